"""The directory's documents, read by programs of other people. Modules that are not there are said to be."""

import csv
import importlib
import json
import os
import sys
import urllib.request

BASE, SCHEMA = os.environ["ESSAIM_BASE"], os.environ["ESSAIM_SCHEMA"]
NAME = "=cmd|' /C calc'!A0, \"Les Abeilles\" & <fils>"


def get(path):
    with urllib.request.urlopen(BASE + path, timeout=60) as answer:
        return answer.headers["Content-Type"], answer.read()


def module(name):
    try:
        return importlib.import_module(name)
    except ImportError:
        print(f"SKIPPED: Python's {name} is not installed: apt-get install python3-{name}")
        return None


def with_json():
    media_type, body = get("/directory.json?mentioned=yes")
    assert media_type == "application/json", media_type
    document = json.loads(body)
    assert [listing["name"] for listing in document["listings"]] == [NAME], document
    if jsonschema := module("jsonschema"):
        schema = json.load(open(SCHEMA))
        jsonschema.Draft202012Validator.check_schema(schema)
        validator = jsonschema.Draft202012Validator(schema)
        validator.validate(document)
        document["listings"][0]["tier"] = "holy"
        assert not validator.is_valid(document), "the schema lets anything pass"


def with_csv():
    _, body = get("/directory.csv")
    rows = list(csv.reader(body.decode().splitlines(keepends=True), strict=True))
    assert len(rows) == 2 and len(rows[0]) == len(rows[1]), rows
    row = dict(zip(*rows))
    assert row["name"] == "'" + NAME, row
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in rows[1]), rows


def with_atom():
    if feedparser := module("feedparser"):
        _, body = get("/directory.atom")
        feed = feedparser.parse(body)
        assert not feed.bozo and feed.version == "atom10", feed
        assert feed.feed.id.endswith("/directory.atom") and feed.feed.updated_parsed, feed.feed
        for entry in feed.entries:
            assert entry.id.startswith("https://") and entry.updated_parsed and entry.link and entry.title, entry
        assert any(NAME in entry.title for entry in feed.entries), feed.entries


def with_linked_data():
    if rdflib := module("rdflib"):
        _, body = get("/directory/a.test.jsonld")
        document = json.loads(body)
        # The vocabulary without asking schema.org: what its context says of terms that are no links.
        document["@context"][0] = {"@vocab": "https://schema.org/", "url": {"@type": "@id"}}
        graph = rdflib.Graph().parse(data=json.dumps(document), format="json-ld")
        schema = rdflib.Namespace("https://schema.org/")
        (hoster,) = graph.subjects(rdflib.RDF.type, schema.Organization)
        assert str(graph.value(hoster, schema.name)) == NAME
        assert rdflib.Literal("Un hébergeur", lang="fr") in set(graph.objects(hoster, schema.description))


def with_properties():
    if javaproperties := module("javaproperties"):
        import io

        _, body = get("/.well-known/chatonsinfos/a.test.properties")
        for file in (io.BytesIO(body), io.StringIO(body.decode("utf-8"))):
            properties = javaproperties.load(file)
            assert properties["organization.name"] == NAME, properties
            assert properties["organization.description"] == "Un hébergeur", properties
            assert properties["subs.mail"].endswith("/.well-known/chatonsinfos/a.test-mail.properties")


def with_librehost():
    _, body = get("/librehost.json")
    document = json.loads(body)
    assert document["version"] == "0.0.1" and document["name"] == NAME, document
    assert None not in document.values(), "what is not known is absent"


for check in (with_json, with_csv, with_atom, with_linked_data, with_properties, with_librehost):
    check()
sys.stdout.flush()
