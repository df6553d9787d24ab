"""How Spark is started for a Glue run."""

from __future__ import annotations

import shlex

# A run of seconds is over before the second compiler pays: without it, and with the simple collector, a JVM takes
# half the CPU time (3.3 s instead of 6.8 s up to the end of the first stage, on Java 17).
_JAVA_OPTIONS = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:-UsePerfData"
_ARGUMENTS = (
    "--master local[2] --driver-memory 1g --conf spark.ui.enabled=false --conf spark.driver.host=127.0.0.1 "
    "--conf spark.driver.bindAddress=127.0.0.1 --conf spark.sql.shuffle.partitions=2 "
    "--driver-java-options {java_options} --conf {local} --conf {warehouse} pyspark-shell"
)


def spark_environment(python: str, java_home: str, temporary: str, more: str = "") -> dict[str, str]:
    """Return what a driver and its JVM are told; `more` are further options of the JVM."""
    # Both Spark and its launcher take quotes away; a folder for temporary files may have spaces in its name.
    java_options = f'{_JAVA_OPTIONS} "-Djava.io.tmpdir={temporary}" {more}'.strip()
    folders = {"local": f"spark.local.dir={temporary}", "warehouse": f"spark.sql.warehouse.dir={temporary}/warehouse"}
    quoted = {name: shlex.quote(value) for name, value in {"java_options": java_options, **folders}.items()}
    return {
        "PYSPARK_PYTHON": python,
        "PYSPARK_DRIVER_PYTHON": python,
        "PYSPARK_SUBMIT_ARGS": _ARGUMENTS.format(**quoted),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "JAVA_HOME": java_home,
        "TMPDIR": temporary,
    }
