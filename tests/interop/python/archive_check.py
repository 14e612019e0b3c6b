"""Checks an archive of an account as specs/15-archive.md describes it, with nothing of essaim: zstd, tarfile, json, email.

archive_check.py FILE [STREAM-OF-STOCK-ZSTD]: prints one line of JSON, or fails with what is wrong.
"""

import email
import hashlib
import io
import json
import subprocess
import sys
import tarfile

# BLAKE3, from its specification.
IV = (0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19)
ORDER = (2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8)
MASK = 0xFFFFFFFF
CHUNK_START, CHUNK_END, PARENT, ROOT = 1, 2, 4, 8
MIX = ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15), (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14))


def compress(chain, words, counter, length, flags):
    v = [*chain, *IV[:4], counter & MASK, counter >> 32, length, flags]
    for _ in range(7):
        for i, (a, b, c, d) in enumerate(MIX):
            va, vb, vc, vd = v[a], v[b], v[c], v[d]
            va = (va + vb + words[2 * i]) & MASK
            vd ^= va
            vd = (vd >> 16 | vd << 16) & MASK
            vc = (vc + vd) & MASK
            vb ^= vc
            vb = (vb >> 12 | vb << 20) & MASK
            va = (va + vb + words[2 * i + 1]) & MASK
            vd ^= va
            vd = (vd >> 8 | vd << 24) & MASK
            vc = (vc + vd) & MASK
            vb ^= vc
            vb = (vb >> 7 | vb << 25) & MASK
            v[a], v[b], v[c], v[d] = va, vb, vc, vd
        words = [words[n] for n in ORDER]
    return [v[i] ^ v[i + 8] for i in range(8)]


def words_of(block):
    block = block.ljust(64, b"\0")
    return [int.from_bytes(block[i : i + 4], "little") for i in range(0, 64, 4)]


def chunk(data, counter, root):
    blocks = [data[i : i + 64] for i in range(0, len(data), 64)] or [b""]
    chain = IV
    for number, block in enumerate(blocks):
        flags = CHUNK_START if number == 0 else 0
        if number == len(blocks) - 1:
            flags |= CHUNK_END | root
        chain = compress(chain, words_of(block), counter, len(block), flags)
    return chain


def tree(data, first, root):
    if len(data) <= 1024:
        return chunk(data, first, root)
    left = 1024
    while left * 2 < len(data):
        left *= 2
    pair = tree(data[:left], first, 0) + tree(data[left:], first + left // 1024, 0)
    return compress(IV, pair, 0, 64, PARENT | root)


def blake3(data):
    return b"".join(word.to_bytes(4, "little") for word in tree(data, 0, ROOT))


# Ed25519, from RFC 8032 section 5.1.
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def point_add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def point_times(n, p):
    q = (0, 1, 1, 0)
    while n:
        if n & 1:
            q = point_add(q, p)
        p, n = point_add(p, p), n >> 1
    return q


def point_of(data):
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    assert (x * x - x2) % P == 0, "not a point of the curve"
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


BASE = point_of(bytes.fromhex("58" + "66" * 31))


def signed_by(key, message, signature):
    h = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % L
    left = point_times(int.from_bytes(signature[32:], "little"), BASE)
    right = point_add(point_of(signature[:32]), point_times(h, point_of(key)))
    return (left[0] * right[2] - right[0] * left[2]) % P == 0 and (left[1] * right[2] - right[1] * left[2]) % P == 0


# CBOR, of RFC 8949 what archives have.
def cbor(stream):
    initial = stream.read(1)[0]
    kind, info = initial >> 5, initial & 31
    n = info if info < 24 else int.from_bytes(stream.read(1 << (info - 24)), "big")
    if kind == 0:
        return n
    if kind == 2:
        return stream.read(n)
    if kind == 3:
        return stream.read(n).decode()
    if kind == 4:
        return [cbor(stream) for _ in range(n)]
    if kind == 5:
        return {cbor(stream): cbor(stream) for _ in range(n)}
    if kind == 7 and info == 22:
        return None
    raise AssertionError(f"CBOR of kind {kind} in an archive")


def check(path):
    plain = subprocess.run(["zstd", "-dc", path], check=True, capture_output=True).stdout
    files, offsets, order = {}, {}, []
    with tarfile.open(fileobj=io.BytesIO(plain)) as tar:
        for member in tar:
            assert member.isfile() and member.name not in files, member.name
            files[member.name] = tar.extractfile(member).read()
            offsets[member.name] = member.offset_data
            order.append(member.name)
    hashes = {name: blake3(data) for name, data in files.items()}
    root, count, size, objects, listed = blake3(b"essaim/archive-root/1\0"), 0, 0, 0, []
    content = {}
    pieces = [name for name in order if name.startswith("manifest/")]
    for number, piece in enumerate(pieces, 1):
        assert piece == f"manifest/{number:06}.jsonl", piece
        *lines, last = files[piece].decode().splitlines(keepends=True)
        root = blake3(root + "".join(lines).encode())
        for line in map(json.loads, lines):
            name, data = line["path"], files[line["path"]]
            assert line["size"] == len(data) and line["blake3"] == hashes[name].hex(), name
            assert line["offset"] == offsets[name], name
            listed.append(name)
            size += len(data)
            if line["kind"] == "objects":
                for item in cbor(io.BytesIO(data)):
                    objects += 1
                    if item[0] == 1 and item[7]:
                        content[item[6]] = item[7]
        segment = json.loads(last)
        said = (segment["segment"], segment["files"], segment["objects"], segment["bytes"], segment["root"])
        assert said == (number, len(listed), objects, size, root.hex()), segment
    assert sorted(listed + pieces + ["manifest.sig"]) == sorted(files), "files that the manifest does not name"
    for name, blobs in content.items():
        at = 0
        for blob, length in blobs:
            assert blake3(files[name][at : at + length]) == blob, f"{name} at {at}"
            at += length
        assert at == len(files[name]), name
    record, signature = cbor(io.BytesIO(files["manifest.sig"]))
    seal = cbor(io.BytesIO(record))
    assert (seal[4], seal[5], seal[6], seal[7], seal[8]) == (root, len(pieces), len(listed), objects, size), seal
    assert signed_by(seal[9], b"essaim/archive/1\0" + record, signature), "the signature is not of this key"
    # The last frame is stored: magic, descriptor, size in four bytes, blocks of three bytes and what they hold, a checksum of four.
    packed = open(path, "rb").read()
    tail = len(plain) - offsets["manifest.sig"] + 512
    assert blake3(packed[: len(packed) - (4 + 1 + 4 + 3 + tail + 4)]) == seal[12], "the frames are not those of the seal"
    about = json.loads(files["archive.json"])
    messages = 0
    for name in order:
        if name.endswith("/folder.json"):
            folder = json.loads(files[name])
            for uid, file in folder["uids"].items():
                messages += 1
                email.message_from_bytes(files[name.replace("folder.json", file)])
                assert uid in folder["flags"] and int(uid) <= folder["last_uid"], (name, uid)
    assert files["LOSSES.md"].startswith(b"# ")
    return {"messages": messages, "objects": objects, "files": len(listed), "root": root.hex(), "extent": about["dataset"]["extent"]}


assert blake3(b"").hex() == "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"
assert blake3(bytes(i % 251 for i in range(2049))).hex().startswith("5f4d72f40d7a5f82b15ca2b2e44b1de3")
print(json.dumps(check(sys.argv[1])))
