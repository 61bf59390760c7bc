"""Pages: the Data Docs of a verification and the plan of a restore, served inside Airflow to those who may see the run.

Invariants: every route asks who it is and whether that person may see this DAG's runs, and there is no
other way to a page: no static mount, no listing, no API description. What is served is a regular file of
a known kind below the folder of exactly this run; no link and no `..` leads out. Pages run no script and
load nothing from anywhere.
"""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import get_user, requires_access_dag
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response

from muniment.airflow.names import PLAN_ROUTE, engine_run_id, firm_of
from muniment.airflow.settings import PLAN_PAGE, plan_folder, reports_area

PREFIX = "/muniment"
_KINDS = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8"}
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_NOTE = (
    "<!doctype html><html lang='en'><meta charset='utf-8'><title>{title}</title>"
    "<style>:root{{color-scheme:light dark}}body{{font:15px/1.5 system-ui,sans-serif;margin:2rem}}</style>"
    "<h1 style='font-size:1.3rem'>{title}</h1><p>{text}</p></html>"
)
_MAY_SEE_RUN = requires_access_dag("GET", DagAccessEntity.RUN)

# Every route of this router is behind both questions; there is no other router.
_router = APIRouter(dependencies=[Depends(get_user), Depends(_MAY_SEE_RUN)])


@_router.get("/verification/{dag_id}/{run_id}")
def first_page(request: Request) -> RedirectResponse:
    """To the folder itself, so that the links of the page are relative to it."""
    return RedirectResponse(f"{request.url.path}/", status_code=307, headers=_HEADERS)


@_router.get("/restore/{dag_id}/{run_id}")
def plan_of_run(dag_id: str, run_id: str) -> Response:
    """The plan of a restore, as it was put to the approvers."""
    firm = _firm_with(dag_id, "restore_matter")
    page = within(plan_folder(firm, dag_id, run_id), PLAN_PAGE) if firm else None
    if page is None:
        return note("No restore plan", "This run is no restore, or its plan is not made yet.")
    return FileResponse(page, media_type=_KINDS[page.suffix], headers=_HEADERS)


@_router.get("/verification/{dag_id}/{run_id}/{page:path}")
def page_of_run(dag_id: str, run_id: str, page: str) -> Response:
    """One file of the Data Docs of a run."""
    folder = folder_of(dag_id, run_id)
    if folder is None or not folder.is_dir():
        return note(
            "No verification report",
            "This run is no verification, or its last task has not written the report yet.",
        )
    found = within(folder, page or "index.html")
    if found is None:
        raise HTTPException(404)
    return FileResponse(found, media_type=_KINDS[found.suffix], headers=_HEADERS)


def folder_of(dag_id: str, run_id: str) -> Path | None:
    """Where the pages of this run are, if it is a verification's.

    The folder's name is a digest of both ids, so no id, whatever is in it, is ever part of a path; the
    firm's part of the DAG id is, and must be one plain name.
    """
    firm = _firm_with(dag_id, "verification")
    return reports_area(firm) / engine_run_id(dag_id, run_id) if firm else None


def _firm_with(dag_id: str, kind: str) -> str:
    """The firm whose DAG of this kind it is; empty for any other."""
    firm = firm_of(dag_id)
    bad = dag_id != f"{firm}__{kind}" or "/" in firm or firm.startswith(".")
    return "" if bad else firm


def within(folder: Path, page: str) -> Path | None:
    """The file `page` of the folder; None for everything that is not a page of it."""
    try:
        root = folder.resolve(strict=True)
        found = (root / page).resolve(strict=True)
    except (OSError, ValueError, RuntimeError):
        return None
    if not found.is_relative_to(root) or not found.is_file() or found.suffix not in _KINDS:
        return None
    return found


def note(title: str, text: str, status: int = 200) -> HTMLResponse:
    content = _NOTE.format(title=escape(title), text=escape(text))
    return HTMLResponse(content, status_code=status, headers=_HEADERS)


async def _refused(_: Request, error: Exception) -> Response:
    status = getattr(error, "status_code", 500)
    if status == 401:
        return note("You are signed out", "Load this page of Airflow again to sign in.", 401)
    if status == 403:
        return note("Not for you", "Your role does not let you see the runs of this DAG.", 403)
    return note("There is no such page", "Open the tab of the run again.", status)


def make_app() -> FastAPI:
    """The application that Airflow mounts at PREFIX."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(_router)
    app.add_exception_handler(HTTPException, _refused)
    return app


FASTAPI_APPS: list[dict[str, Any]] = [{"app": make_app(), "url_prefix": PREFIX, "name": "muniment"}]
EXTERNAL_VIEWS: list[dict[str, Any]] = [
    {
        "name": "Verification",
        "href": f"{PREFIX}/verification/{{DAG_ID}}/{{RUN_ID}}/",
        "destination": "dag_run",
        "url_route": "verification",
    },
    {
        "name": "Restore plan",
        "href": f"{PREFIX}/restore/{{DAG_ID}}/{{RUN_ID}}",
        "destination": "dag_run",
        "url_route": PLAN_ROUTE,
    },
]
"""The tabs stand on every run; on one that has no such page they say so."""
