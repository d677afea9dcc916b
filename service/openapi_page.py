"""The OpenAPI page, rendered here from the description so that nothing is fetched from elsewhere."""

from __future__ import annotations

from html import escape
from typing import Any

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; }
body { font: 16px/1.6 system-ui, "Noto Sans KR", sans-serif; max-width: 54rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
details { border: 1px solid var(--line); border-radius: .5rem; margin: .5rem 0; padding: .5rem .8rem; }
summary { cursor: pointer; overflow-wrap: anywhere; } details[open] > summary { margin-bottom: .5rem; }
b { display: inline-block; min-width: 3.2rem; font-size: .85rem; letter-spacing: .03em; }
code, pre { font: .88em/1.5 ui-monospace, monospace; } small { opacity: .75; margin-left: .6rem; }
pre { background: var(--soft); border-radius: .4rem; padding: .6rem .8rem; overflow-x: auto; }
table { border-collapse: collapse; } td { padding: .1rem 1.2rem .1rem 0; vertical-align: top; }
h3 { font-size: .85rem; margin: .8rem 0 .2rem; opacity: .75; }
"""

Node = dict[str, Any]


def page(description: Node, prefix: str) -> str:
    """Return an OpenAPI description as a page of HTML without scripts.

    Args:
        prefix: prepended to every path.
    """
    info, groups = description["info"], dict[str, list[str]]()
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            part = _operation(method.upper(), prefix + path, operation, description)
            groups.setdefault(", ".join(operation.get("tags", [])), []).append(part)
    body = "".join(f"<h2>{escape(name.capitalize())}</h2>{''.join(parts)}" for name, parts in groups.items())
    link = f'<p><a href="{escape(prefix)}/openapi.json">openapi.json</a></p>'
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(info['title'])} API</title><style>{_STYLE}</style>"
        f"<h1>{escape(info['title'])} API</h1><p>{_prose(info.get('description', ''))}</p>{link}{body}</html>"
    )


def _prose(text: str) -> str:
    """Return plain text as HTML, with text between backticks as code."""
    parts = escape(text).replace("``", "`").split("`")
    joined = "".join(f"<code>{part}</code>" if place % 2 else part for place, part in enumerate(parts))
    return joined.replace("\n\n", "<br><br>")


def _operation(method: str, path: str, operation: Node, whole: Node) -> str:
    title = (
        f"<summary><b>{method}</b> <code>{escape(path)}</code><small>{escape(operation['summary'])}</small></summary>"
    )
    parts = [f"<p>{_prose(operation.get('description', ''))}</p>", _parameters(operation.get("parameters", []))]
    if body := operation.get("requestBody"):
        parts.append(_shape("Body", body, whole))
    answers: dict[str, list[str]] = {}
    for status, response in operation["responses"].items():
        if status < "300":
            answers.setdefault(_shape("{}", response, whole), []).append(status)
    parts += [shape.replace("{}", f"Answer {', '.join(statuses)}", 1) for shape, statuses in answers.items()]
    others = ", ".join(escape(status) for status in operation["responses"] if status >= "300")
    parts.append(f"<h3>Errors</h3><code>{others}</code>" if others else "")
    return f"<details>{title}{''.join(parts)}</details>"


def _parameters(parameters: list[Node]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(each['name'])}</code></td><td>{escape(each['in'])}</td>"
        f"<td>{_prose(each.get('description', ''))}</td></tr>"
        for each in parameters
    )
    return f"<h3>Parameters</h3><table>{rows}</table>" if rows else ""


def _shape(title: str, content: Node, whole: Node) -> str:
    schema = content.get("content", {}).get("application/json", {}).get("schema")
    return "" if schema is None else f"<h3>{title}</h3><pre>{escape(_drawn(schema, whole, ''))}</pre>"


def _drawn(schema: Node, whole: Node, indent: str) -> str:
    """Return a schema in the form of an example: names with the type of their value."""
    if "$ref" in schema:
        return _drawn(whole["components"]["schemas"][schema["$ref"].rpartition("/")[2]], whole, indent)
    if "anyOf" in schema:
        return " or ".join(_drawn(each, whole, indent) for each in schema["anyOf"])
    if "properties" in schema:
        inner, required = indent + "  ", schema.get("required", [])
        lines = [
            f"{inner}{name}{'' if name in required else '?'}: {_drawn(value, whole, inner)}"
            for name, value in schema["properties"].items()
        ]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    if "prefixItems" in schema:
        return f"[{', '.join(_drawn(each, whole, indent) for each in schema['prefixItems'])}]"
    if schema.get("type") == "array":
        return f"[{_drawn(schema['items'], whole, indent)}, …]"
    if isinstance(schema.get("additionalProperties"), dict):
        return f"{{name: {_drawn(schema['additionalProperties'], whole, indent)}, …}}"
    if "enum" in schema or "const" in schema:
        return " or ".join(f'"{each}"' for each in schema.get("enum", [schema.get("const")]))
    return str(schema.get("format") or schema.get("type", "anything"))
