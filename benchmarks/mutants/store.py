"""Mistakes in the store's protocol."""

from benchmarks.mutants.mutant import Mutant

WRITER, TAKEOVER, OBJECTS = "results/writer.py", "results/takeover.py", "results/objects.py"
SNAPSHOT, TRIALS_FILES = "results/snapshot.py", "results/trials_files.py"

STORE = (
    Mutant(
        "take-over without a second list",
        TAKEOVER,
        "        if max(numbers_of(entries), default=0) <= number:\n            break",
        "        break",
    ),
    Mutant(
        "take-over of a number that another has",
        TAKEOVER,
        "        if not files.create(commit_name(number), encode_commit(footer)):\n            continue\n",
        "        files.create(commit_name(number), encode_commit(footer))\n",
    ),
    Mutant("take-over goes on where a commit is gone", TAKEOVER, "    if len(found) < len(entries):", "    if False:"),
    Mutant("clean-up beyond the take-over", TAKEOVER, " and made_for <= number", ""),
    Mutant(
        "clean-up of what commits name",
        SNAPSHOT,
        "return Role.COMMITTED if name in self._records else Role.TORN",
        "return Role.TORN",
    ),
    Mutant(
        "clean-up leaves what was never committed",
        TAKEOVER,
        "role is Role.MERGED or (role is Role.TORN and made_for is not None and made_for <= number)",
        "role is Role.MERGED",
    ),
    Mutant(
        "a merge that was cut off is not finished",
        TAKEOVER,
        "    found = [file.name for file in snapshot.found if snapshot.is_replaced(file)]\n",
        "    found = list[str]()\n",
    ),
    Mutant(
        "a fenced writer goes on",
        WRITER,
        "            raise Superseded(self._ended)\n        self._ended, self.number",
        "        self._ended, self.number",
    ),
    Mutant(
        "a fenced writer leaves its metric files",
        WRITER,
        "            self._ended = superseded(self.files, number)\n            with suppress(StoreError):\n"
        "                self.files.delete(contents)\n",
        "            self._ended = superseded(self.files, number)\n",
    ),
    Mutant(
        "a writer goes on when a commit is in doubt",
        WRITER,
        '        self._ended = f"{self.files.root}: whether',
        '        _ = f"{self.files.root}: whether',
    ),
    Mutant(
        "a writer that has ended commits",
        WRITER,
        "        if self._ended:\n            raise",
        "        if False:\n            raise",
    ),
    Mutant(
        "a lost lease is ignored",
        WRITER,
        "        if self.is_lost or self.files.is_taken_away(commit_name(self.number)):\n",
        "        if self.files.is_taken_away(commit_name(self.number)):\n",
    ),
    Mutant(
        "a directory that was moved is made anew",
        WRITER,
        "        if self.is_lost or self.files.is_taken_away(commit_name(self.number)):\n",
        "        if self.is_lost:\n",
    ),
    Mutant(
        "metric files of a commit in doubt are deleted",
        WRITER,
        "        if not self.files.create(commit_name(number), content):\n",
        "        try:\n            was_created = self.files.create(commit_name(number), content)\n"
        "        except StoreError:\n            self.files.delete(contents)\n            raise\n"
        "        if not was_created:\n",
    ),
    Mutant(
        "the commit before its metric files",
        WRITER,
        "            self.files.put_many(contents)\n",
        "            self.files.create(commit_name(number), content)\n            self.files.put_many(contents)\n",
    ),
    Mutant(
        "a merge deletes before it commits",
        WRITER,
        "        self._commit(tables, Kind.MERGE,",
        "        tables = list(tables)\n        self.files.delete([commit_name(footer.number) for footer in old])\n"
        "        self._commit(tables, Kind.MERGE,",
    ),
    Mutant(
        "a merge forgets what earlier ones replaced",
        WRITER,
        "for number in (footer.number, *footer.replaces)})",
        "for number in (footer.number,)})",
    ),
    Mutant(
        "metric files are named by number alone",
        "results/commits.py",
        "    token, contents, records = new_token(),",
        "    token, contents, records = '0' * 16,",
    ),
    Mutant(
        "a merge frees a number that must stay taken",
        WRITER,
        "sorted(numbers - self.snapshot.kept)",
        "sorted(numbers)",
    ),
    Mutant("take-overs may be merged away", SNAPSHOT, "for number in (start - 1, start))", "for number in ())"),
    Mutant(
        "the number before a take-over may be merged away",
        SNAPSHOT,
        "for number in (start - 1, start))",
        "for number in (start,))",
    ),
    Mutant("a reader lists once", SNAPSHOT, "if not set(again) - set(entries) and not any", "if not any"),
    Mutant(
        "a reader shows what was replaced",
        SNAPSHOT,
        "            return file.footer.number in self.replaced and",
        "            return False and",
    ),
    Mutant(
        "a reader gives up where a file was replaced",
        SNAPSHOT,
        "            missing = error\n    raise",
        "            missing = error\n            break\n    raise",
    ),
    Mutant(
        "a commit under another's number is believed",
        TRIALS_FILES,
        "    if number is not None and (footer is None or footer.number != number):",
        "    if False:",
    ),
    Mutant(
        "'exists' is taken for one's own", OBJECTS, "            return stored == content", "            return True"
    ),
    Mutant(
        "'exists' is taken for another's",
        OBJECTS,
        "            stored = self._read(name)\n",
        "            return False\n            stored = self._read(name)\n",
    ),
    Mutant(
        "two PUTs that met are taken for another's",
        OBJECTS,
        "                raise NoAnswer(error) from error\n            return stored",
        "                return False\n            return stored",
    ),
    Mutant(
        "an unconditional PUT", OBJECTS, 'mode="create", use_multipart=False', 'mode="overwrite", use_multipart=False'
    ),
    Mutant("a busy store is not asked again", OBJECTS, "{408, 409, 429, 500, 502, 503, 504}", "{408, 409, 429}"),
    Mutant(
        "a local commit replaces another",
        "results/local.py",
        "self._place(name, content, os.link)",
        "self._place(name, content, os.replace)",
    ),
    Mutant(
        "a living lease is ignored",
        "results/lease.py",
        "    if not first:\n        return\n",
        "    return\n",
    ),
    Mutant(
        "a lease that is renewed is waited out",
        "results/lease.py",
        "        if now != first:\n            raise _refusal(files, now)\n",
        "",
    ),
    Mutant(
        "the digest of a checkpoint is not looked at",
        "results/checkpoints.py",
        "return content if hashlib.sha256(content).digest() == digest else None",
        "return content",
    ),
)
