"""Signed HTTP/1.1 to DynamoDB over asyncio connections: for the bulk jobs, whose cost is CPU for each item.

Item text passes through unparsed. Credentials, endpoint and Region are botocore's; what this does not know how to
do (a proxy, another signature) goes through botocore as well.
"""
