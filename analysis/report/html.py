"""Pages from the templates of this package."""

from __future__ import annotations


def render(template: str, **context: object) -> str:
    """Return a page; a name that the template needs and `context` lacks is an error."""
    import jinja2

    loader = jinja2.PackageLoader("analysis", "templates")
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, keep_trailing_newline=False
    )
    return environment.get_template(template).render(context)
