"""The shape of the rehearsed tables' primary key: one or two attributes, each string, number or binary."""

from __future__ import annotations

from dataclasses import dataclass

# Both are reserved words of DynamoDB, so an expression that names them without a placeholder fails.
PARTITION_KEY = "hash"
SORT_KEY = "range"

_TYPES = {"s": "S", "n": "N", "b": "B"}


@dataclass(frozen=True)
class KeyShape:
    """The DynamoDB types ("S", "N" or "B") and names of the partition key and, if there is one, of the sort key."""

    partition: str
    sort: str | None = None
    partition_name: str = PARTITION_KEY
    sort_name: str = SORT_KEY

    @classmethod
    def parse(cls, text: str) -> KeyShape:
        """Read one or two of the letters s, n and b, or NAME:TYPE[,NAME:TYPE]; the second is the sort key.

        Raises ValueError when the text is none of these.
        """
        if ":" in text:
            return cls._of_names(text)
        if len(text) not in (1, 2) or any(letter not in _TYPES for letter in text):
            raise ValueError(
                f"key shape {text!r} is unknown; use one or two of the letters s (string), n (number), "
                "b (binary), such as 'b' or 'sn', or NAME:TYPE[,NAME:TYPE], such as 'id:S' or 'pk:S,sk:N'"
            )
        return cls(*(_TYPES[letter] for letter in text))

    @classmethod
    def _of_names(cls, text: str) -> KeyShape:
        pairs = [part.rpartition(":") for part in text.split(",")]
        names, types = [pair[0] for pair in pairs], [pair[2] for pair in pairs]
        if len(pairs) > 2 or not all(names) or len(set(names)) < len(names) or not set(types) <= set(_TYPES.values()):
            raise ValueError(
                f"key {text!r} cannot be read; write NAME:TYPE for the partition key, and after a comma the same "
                "for the sort key if there is one; the types are S, N and B, such as 'pk:S,sk:N'"
            )
        return cls(*types, **dict(zip(("partition_name", "sort_name"), names, strict=False)))

    def attributes(self) -> dict[str, str]:
        """Return the key attributes' types by name, the partition key first."""
        both = {self.partition_name: self.partition}
        return both if self.sort is None else {**both, self.sort_name: self.sort}

    @property
    def text(self) -> str:
        """The NAME:TYPE form, which `parse` reads as this shape."""
        return ",".join(f"{name}:{kind}" for name, kind in self.attributes().items())
