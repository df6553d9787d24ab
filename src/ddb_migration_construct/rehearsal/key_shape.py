"""The shape of the rehearsed tables' primary key: one or two attributes, each string, number or binary."""

from __future__ import annotations

from dataclasses import dataclass

# Both are reserved words of DynamoDB, so an expression that names them without a placeholder fails.
PARTITION_KEY = "hash"
SORT_KEY = "range"

_TYPES = {"s": "S", "n": "N", "b": "B"}


@dataclass(frozen=True)
class KeyShape:
    """The DynamoDB types ("S", "N" or "B") of the partition key and, if there is one, of the sort key."""

    partition: str
    sort: str | None = None

    @classmethod
    def parse(cls, text: str) -> KeyShape:
        """Read "s", "n", "b" (partition key alone) or two of these letters (partition and sort key).

        Raises ValueError when the text is none of these.
        """
        if len(text) not in (1, 2) or any(letter not in _TYPES for letter in text):
            raise ValueError(
                f"key shape {text!r} is unknown; use one or two of the letters s (string), n (number), "
                "b (binary), such as 'b' or 'sn'"
            )
        return cls(*(_TYPES[letter] for letter in text))

    def attributes(self) -> dict[str, str]:
        """Return the key attributes' types by name, the partition key first."""
        both = {PARTITION_KEY: self.partition}
        return both if self.sort is None else {**both, SORT_KEY: self.sort}

    @property
    def letters(self) -> str:
        """The text that `parse` reads as this shape."""
        return f"{self.partition}{self.sort or ''}".lower()
