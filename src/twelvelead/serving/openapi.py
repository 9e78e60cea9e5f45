"""OpenAPI 3.1 of the service, written by hand: few routes, and every answer's shape is promised to others."""

from __future__ import annotations

from typing import Any

from twelvelead import __version__
from twelvelead.serving.refusal import STATUS

Tree = dict[str, Any]


def _object(required: Tree, **optional: Any) -> Tree:
    return {"type": "object", "required": list(required), "properties": {**required, **optional}}


def _list(of: Tree) -> Tree:
    return {"type": "array", "items": of}


def _ref(name: str) -> Tree:
    return {"$ref": f"#/components/schemas/{name}"}


def _or_null(schema: Tree) -> Tree:
    return {"anyOf": [schema, {"type": "null"}]}


TEXT: Tree = {"type": "string"}
WHOLE: Tree = {"type": "integer"}
NUMBER: Tree = {"type": "number"}
SHARE: Tree = {"type": "number", "minimum": 0, "maximum": 1}
FLAG: Tree = {"type": "boolean"}
NUMBER_OR_NONE: Tree = {"type": ["number", "null"]}
CALL: Tree = {"code": TEXT, "probability": SHARE, "threshold": NUMBER_OR_NONE, "positive": FLAG}
MODEL: Tree = {
    "name": TEXT, "version": TEXT, "alias": TEXT,
    "source": {"enum": ["registry", "folder", "embedded"]},
    "decision": {"enum": ["passed", "smoke", "rejected", "unjudged"]},
    "reasons": _list(TEXT), "policy": _object({"name": TEXT, "sha256": TEXT}), "adapter_sha256": TEXT,
    "base": TEXT, "base_sha256": TEXT, "data_source": TEXT,
    "lineage": {"type": "object", "additionalProperties": TEXT}, "notice": TEXT,
}  # fmt: skip
SCHEMAS: Tree = {
    "Error": _object(
        {
            "error": _object(
                {"code": {"enum": list(STATUS)}, **dict.fromkeys(("what", "where", "expected", "fix"), TEXT)}
            )
        }
    ),
    "Model": _object(MODEL),
    "ModelAsked": _object(
        {
            **MODEL,
            "statements": _list(
                _object({"code": TEXT, "name": TEXT, "group": TEXT, "threshold": NUMBER_OR_NONE})
            ),
        }
    ),
    "Picture": _object(
        {
            "png_base64": TEXT, "width_px": WHOLE, "height_px": WHOLE, "px_per_mm_x": NUMBER_OR_NONE,
            "px_per_mm_y": NUMBER_OR_NONE, "speed_mm_s": NUMBER_OR_NONE, "gain_mm_mv": NUMBER_OR_NONE,
            "lead_boxes": _list(
                _object({"lead": TEXT, "x": NUMBER, "y": NUMBER, "width": NUMBER, "height": NUMBER})
            ),
        }
    ),
    "Measurements": _object(
        dict.fromkeys(("rate_bpm", "pr_ms", "qrs_ms", "qt_ms", "qtc_ms", "axis_deg"), NUMBER_OR_NONE)
    ),
    "Interpretation": _object(
        {
            "id": {"type": "string", "format": "uuid"}, "model": _ref("Model"), "notice": TEXT,
            "input": _object(
                {"kind": {"enum": ["png", "jpeg", "tiff", "pdf", "dicom", "wfdb"]}, "width_px": WHOLE,
                 "height_px": WHOLE, "page": WHOLE, "bytes": WHOLE, "sha256": TEXT}
            ),
            "warnings": _list(TEXT), "statements": _list(_object({**CALL, "name": TEXT, "group": TEXT})),
            "cnn": _or_null(_object({"statements": _list(_object(CALL))})),
            "measurements": _or_null(_ref("Measurements")), "report": TEXT,
            "picture": _or_null(_ref("Picture")),
        }
    ),
    "Feedback": {
        **_object(
            {
                "id": {"type": "string", "format": "uuid"},
                "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
                "statements": _list(_object({"code": TEXT, "present": FLAG})),
            },
            note={"type": "string", "maxLength": 4000},
        ),
        "additionalProperties": False,
    },
    "Queue": _object(
        {
            "run": {"type": ["string", "null"]},
            "items": _list(
                _object(
                    {"record_id": TEXT, "code": TEXT, "name": TEXT, "label": {"enum": [0, 1]},
                     "probability": SHARE, "threshold": NUMBER_OR_NONE, "cnn_probability": NUMBER_OR_NONE,
                     "disagreement": SHARE}
                )
            ),
        }
    ),
    "QueueRecord": _object(
        {
            "record_id": TEXT, "id": TEXT, "picture": _or_null(_ref("Picture")),
            "statements": _list(
                _object({**CALL, "name": TEXT, "group": TEXT, "label": {"enum": [0, 1]},
                         "cnn_probability": NUMBER_OR_NONE})
            ),
        }
    ),
    "Status": _object({"status": TEXT}),
    "Inference": _object({"inputs": _list(_object({"name": TEXT, "datatype": TEXT, "shape": _list(WHOLE),
                                                   "data": _list(TEXT)}))}),
    "Inferred": _object({"model_name": TEXT, "model_version": TEXT, "outputs": _list({"type": "object"})}),
}  # fmt: skip
UPLOAD: Tree = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": _object(
                {"file": _list({"type": "string", "contentMediaType": "application/octet-stream"})}
            )
        },
        "application/octet-stream": {"schema": {"type": "string"}},
    },
}


UPLOAD_REFUSED = (400, 401, 408, 413, 415, 422, 429, 503)
FEEDBACK_REFUSED = (400, 401, 404, 413, 415, 429, 503)


def document(*, secured: bool) -> Tree:
    """The document; `secured` says whether a token is asked for."""
    lines = {"application/x-ndjson": {"schema": TEXT}}
    picture = {"name": "picture", "in": "query", "schema": {"type": "boolean"}}
    page = {"name": "page", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 999999}}
    record, name = (
        {"name": key, "in": "path", "required": True, "schema": TEXT} for key in ("record_id", "name")
    )
    refused = UPLOAD_REFUSED
    said = {"required": True, "content": _json("Feedback")}
    asked = {"required": True, "content": _json("Inference")}
    not_yet = {"503": {"description": "Not yet, or no more", "content": _json("Status")}}
    ready = _operation("Ready", _json("Status"), (401,))
    ready["responses"] |= not_yet
    guarded: Tree = {
        "/v1/model": {"get": _operation("Who reads", _json("ModelAsked"), (401, 503))},
        "/v1/interpret": {
            "post": _operation(
                "Read a page or record", _json("Interpretation"), refused, UPLOAD, (picture, page)
            )
        },
        "/v1/batch": {"post": _operation("Read many, or a ZIP", lines, refused, UPLOAD, (picture,))},
        "/v1/feedback": {
            "post": _operation("Say what is there", _kept(), FEEDBACK_REFUSED, said, code="201")
        },
        "/v1/queue": {"get": _operation("The worst disagreements", _json("Queue"), (401,))},
        "/v1/queue/{record_id}": {
            "get": _operation("One of them", _json("QueueRecord"), (401, 404), parameters=(record,))
        },
        "/v2/models/{name}/infer": {
            "post": _operation(
                "Open Inference Protocol", _json("Inferred"), (*refused, 404), asked, parameters=(name,)
            )
        },
    }
    if secured:
        for path in guarded.values():
            for operation in path.values():
                operation["security"] = [{"token": []}]
    about = "Reads 12-lead ECG pages and records. Research software, not a medical device."
    return {
        "openapi": "3.1.0",
        "info": {"title": "Twelvelead reader", "version": __version__, "description": about},
        "paths": {
            "/healthz": {"get": _operation("Alive", _json("Status"), (401,))},
            "/readyz": {"get": ready},
            **guarded,
        },
        "components": {
            "schemas": SCHEMAS, "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}
        },
    }  # fmt: skip


def _json(name: str) -> Tree:
    return {"application/json": {"schema": _ref(name)}}


def _kept() -> Tree:
    return {"application/json": {"schema": _object({"kept": FLAG})}}


def _operation(
    summary: str,
    content: Tree,
    refusals: tuple[int, ...],
    body: Tree | None = None,
    parameters: tuple[Tree, ...] = (),
    *,
    code: str = "200",
) -> Tree:
    answers: Tree = {code: {"description": summary, "content": content}}
    answers |= {str(status): {"description": "Refused", "content": _json("Error")} for status in refusals}
    tree: Tree = {"summary": summary, "responses": answers, "parameters": list(parameters)}
    return tree if body is None else {**tree, "requestBody": body}
