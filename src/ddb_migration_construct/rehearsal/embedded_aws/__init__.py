"""The embedded AWS: MiniStack for every service, moto's interpreter for Step Functions, own pollers and Spark.

It runs as ``python -m embedded_aws`` in an environment of its own (``embedded_aws.lock``), because
MiniStack pins botocore exactly. Everything answers on one loopback port, with IAM enforced.

Hooks into internals, each with a test in ``tests/embedded_aws`` that fails once the hook no longer bites:

=====================================================  =====================================================
``ministack.app.SERVICE_HANDLERS``                     states, glue, dynamodb and lambda pass through here
``ministack.core.iam_actions.extract_iam_action``      actions of SQS's batch calls and of calls on a mapping
``ministack.core.iam_actions.extract_resource_arn``    resources of streams, exports and tags
``ministack.core.iam_actions.request_tag_context``     ``lambda:FunctionArn`` of CreateEventSourceMapping
``ministack.core.iam_evaluator.enforce``               ``lambda:FunctionArn`` of the other mapping calls
``ministack...iam_evaluator._resolve_condition_key``   loopback stands in for TLS
``...cloudformation.provisioners._RESOURCE_HANDLERS``  security configurations, MaxConcurrentRuns, recovery
``ministack.services.lambda_svc._poll_*``              MiniStack's own pollers stay switched off
``ministack.services.dynamodb._emit_stream_event``     every write is noted, for exports as of an earlier time
``ministack.services.dynamodb._remove_item``            what time to live deletes is told on the stream
``ministack.services.sts.register_session``            sessions of the roles that services assume
``ministack.services.stepfunctions._state_machines``   definition and role of a state machine
``moto...boto_client_for``                             tasks call this port as the state machine's role
``moto...StateTaskService._normalise_*``               AWS's letter case and dates of SDK integrations
``moto...StateTaskServiceGlue._eval_integration_...``  ``glue:startJobRun.sync`` and its cancellation
``moto...WaitFunction._wait_interval``                 waits are scaled once
``moto...retrier_decl.time``                           waits between retries are scaled
``moto...ExecutionWorker._get_evaluation_environment`` dates of the context object are text
``moto...Variable._eval_body``                         a Choice on a missing path fails
=====================================================  =====================================================

Faults, where asked for, come between a role's call and its answer (``table_faults``, ``queue_faults``), between
a poller and its function (``poller``), and upon Glue runs (``spark_process``); ``faults`` draws and counts them.

CloudFormation, as found by reading and by ``tests/embedded_aws/test_cloud_formation.py``: MiniStack 1.5.33
creates and updates in dependency order, rolls a failed create or update back (updated resources first, then
what was new is deleted), and deletes replaced and removed resources only after every create and update has
succeeded, as AWS does. A stack deletion goes through the resources in reverse dependency order and waits for
each custom resource's answer; an answer FAILED ends in DELETE_FAILED. It differs from AWS in this: resources
are handled one after the other, never in parallel; a custom resource whose function dies without an answer is
waited for (3,600 s, or ``ServiceTimeout``) and the function is not called again.
"""
