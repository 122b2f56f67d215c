"""Compressed documents: zstd with a dictionary trained on the estate's own documents of the type, at level 3 where a whole estate
is taken in, harder what changes now and then. Frames are stored without the four bytes that all of them begin with (decision 0321).

Dictionaries are kept for ever, since a version needs the one it was written with; a newer one may follow
(storage/retraining.py). Until a type has enough samples its
documents are compressed without one (codec 0), at about four times the size.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa
import zstandard
from sqlalchemy.engine import Connection

from storage.errors import Damaged
from storage.tables import CODEC

PLAIN = 0
"""The codec without a dictionary; the first migration makes its row."""
MIN_SAMPLES = 128
MAX_SAMPLES = 512
DICTIONARY_BYTES = 16 * 1024
LEVEL = 3
HARDER = 9
"""The level for what comes a few at a time: a ninth less room, for four times as long (decision 0281)."""
_MAGIC = zstandard.FRAME_HEADER
"""What every frame begins with. What is stored without it never begins so: zstd reserves a bit of the byte that follows, which is 0
there and 1 here."""
_ENCODERS = 32
"""How many harder encoders a thread keeps: each takes 350 KB, and what changes comes type by type."""


@dataclass(slots=True)
class _ThreadLocal(threading.local):
    decoders: dict[int, zstandard.ZstdDecompressor] = field(default_factory=dict)
    encoders: dict[int, zstandard.ZstdCompressor] = field(default_factory=dict)
    harder: dict[int, zstandard.ZstdCompressor] = field(default_factory=dict)


class Codecs:
    """Compresses and decompresses. Safe from several threads: zstd's contexts are not, so each thread has its own."""

    def __init__(self) -> None:
        self._newest: dict[str, int] = {}
        self._plain: dict[str, int] = {}
        self._dictionaries: dict[int, zstandard.ZstdCompressionDict | None] = {PLAIN: None}
        self._local = _ThreadLocal()

    def choose(self, connection: Connection, type_: str) -> int:
        """The codec for new documents of a type."""
        known = self._newest.get(type_)
        if known is not None:
            return known
        newest = connection.scalar(sa.select(sa.func.max(CODEC.c.id)).where(CODEC.c.type == type_))
        if newest is None:
            return PLAIN
        self.load(connection, [newest])
        self._newest[type_] = newest
        return int(newest)

    def trained(self, type_: str) -> bool:
        """Whether a dictionary for the type is known to this process."""
        return type_ in self._newest

    def enough(self, type_: str, more: int) -> bool:
        """Count ``more`` documents written without a dictionary; whether it is time to try training from what is
        stored: at the first :data:`MIN_SAMPLES`, then at every doubling."""
        if self.trained(type_):
            return False
        before = self._plain.get(type_, 0)
        self._plain[type_] = before + more
        return (before + more) // MIN_SAMPLES > 0 and (before + more).bit_length() > before.bit_length()

    def train(self, connection: Connection, type_: str, samples: Sequence[bytes], at: int) -> int:
        """Train and store a dictionary, unless there is one or samples are few. Returns the codec for the type.

        The caller's transaction must be committed before the codec is used in another.
        """
        chosen = self.choose(connection, type_)
        if chosen != PLAIN or len(samples) < MIN_SAMPLES:
            return chosen
        step = max(1, len(samples) // MAX_SAMPLES)
        try:
            trained = zstandard.train_dictionary(DICTIONARY_BYTES, list(samples[::step][:MAX_SAMPLES]))
        except zstandard.ZstdError:
            # Documents too small or too alike to learn from; they compress well enough without.
            return PLAIN
        return self.add(connection, type_, trained.as_bytes(), min(len(samples), MAX_SAMPLES), at)

    def add(self, connection: Connection, type_: str, dictionary: bytes, samples: int, at: int) -> int:
        """Store a dictionary; the codec it makes. New documents are written with it by whoever looks from now on."""
        row = {
            "type": type_,
            "method": "zstd",
            "dictionary": dictionary,
            "samples": samples,
            "created_at": at,
        }
        codec_id = connection.execute(sa.insert(CODEC).values(row).returning(CODEC.c.id)).scalar_one()
        return int(codec_id)

    def use(self, connection: Connection, type_: str, codec_id: int) -> None:
        """Write new documents of a type with this codec from now on. Its row must be committed."""
        self.load(connection, [codec_id])
        self._newest[type_] = codec_id

    def forget(self, codec_ids: Iterable[int]) -> None:
        """Fetch these anew when next needed: their rows were put right."""
        gone = set(codec_ids)
        self._dictionaries = {n: d for n, d in self._dictionaries.items() if n not in gone}
        self._local = _ThreadLocal()

    def encode(self, codec_id: int, data: bytes, *, harder: bool = False) -> bytes:
        """Compress with a codec that :meth:`choose` gave."""
        encoders = self._local.harder if harder else self._local.encoders
        encoder = encoders.get(codec_id)
        if encoder is None:
            dictionary = self._dictionaries[codec_id]
            if harder:
                if len(encoders) == _ENCODERS:
                    encoders.clear()
                if dictionary is not None:
                    dictionary = _prepared(dictionary.as_bytes(), HARDER)
            # The dictionary's id is in the row; repeating it in each frame would cost four bytes a version.
            encoder = zstandard.ZstdCompressor(
                level=HARDER if harder else LEVEL, dict_data=dictionary, write_dict_id=False
            )
            encoders[codec_id] = encoder
        return stored(encoder.compress(data))

    def load(self, connection: Connection, codec_ids: Iterable[int]) -> None:
        """Fetch the dictionaries that are not at hand. Raises Damaged where one is gone."""
        missing = sorted(set(codec_ids) - self._dictionaries.keys())
        if not missing:
            return
        query = sa.select(CODEC.c.id, CODEC.c.dictionary).where(CODEC.c.id.in_(missing))
        found: Mapping[int, bytes | None] = {row.id: row.dictionary for row in connection.execute(query)}
        for codec_id in missing:
            content = found.get(codec_id)
            if not content:
                raise Damaged(
                    f"The compression dictionary {codec_id} is gone from table codec.",
                    hint="Documents written with it cannot be read. `watchstander db dictionaries BACKUP` takes it from a "
                    "backup made since it was trained; `watchstander db check` says which documents need it.",
                )
            self._dictionaries[codec_id] = _prepared(content, LEVEL)

    def decode(self, codec_id: int, data: bytes) -> bytes:
        """Decompress; :meth:`load` must have been called for the codec. Raises Damaged."""
        decoder = self._local.decoders.get(codec_id)
        if decoder is None:
            decoder = zstandard.ZstdDecompressor(dict_data=self._dictionaries[codec_id])
            self._local.decoders[codec_id] = decoder
        try:
            return decoder.decompress(data if data.startswith(_MAGIC) else _MAGIC + data)
        except zstandard.ZstdError as error:
            raise Damaged(
                f"A stored document cannot be decompressed ({error}).",
                hint="The row was altered or the disk failed; restore it from a backup.",
            ) from error


def stored(frame: bytes) -> bytes:
    """What is kept of a frame; :meth:`Codecs.decode` reads whole ones too, which were kept before."""
    return frame[len(_MAGIC) :]


def _prepared(content: bytes, level: int) -> zstandard.ZstdCompressionDict:
    dictionary = zstandard.ZstdCompressionDict(content)
    dictionary.precompute_compress(level=level)
    return dictionary
