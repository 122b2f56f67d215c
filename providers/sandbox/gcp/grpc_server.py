"""Cloud Asset's gRPC face, with the faults of the plan in gRPC's words."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from email.utils import format_datetime
from typing import Any, Final, NoReturn

import grpc
from google.protobuf import any_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status  # type: ignore[import-untyped]

from providers.sandbox.faults import Call, Fault, FaultKind, Faults
from providers.sandbox.gcp import assets
from providers.sandbox.gcp.store import AssetStore, GcpError
from providers.sandbox.http import SKEW

SERVICE: Final = "google.cloud.asset.v1.AssetService"
PERMISSION: Final = {
    "RESOURCE": "cloudasset.assets.listResource",
    "IAM_POLICY": "cloudasset.assets.listIamPolicy",
    "ORG_POLICY": "cloudasset.assets.listOrgPolicy",
    "ACCESS_POLICY": "cloudasset.assets.listAccessPolicy",
    "OS_INVENTORY": "cloudasset.assets.listOSInventories",
    "CONTENT_TYPE_UNSPECIFIED": "cloudasset.assets.listResource",
    "SEARCH": "cloudasset.assets.searchAllResources",
}


class AssetGrpc:
    """A gRPC server on a free port of 127.0.0.1."""

    def __init__(self, store: AssetStore, faults: Faults, closing: threading.Event) -> None:
        self._service = assets.AssetService(store)
        self._store = store
        self._faults = faults
        self._closing = closing
        self._pool = ThreadPoolExecutor(max_workers=16, thread_name_prefix="gcp-emulator-grpc")
        self._server = grpc.server(self._pool, options=[("grpc.so_reuseport", 0)])
        self._server.add_generic_rpc_handlers(
            (
                grpc.method_handlers_generic_handler(
                    SERVICE,
                    {
                        "ListAssets": self._handler(
                            assets.ListRequest, assets.ListResponse, self._list, "ListAssets"
                        ),
                        "BatchGetAssetsHistory": self._handler(
                            assets.HistoryRequest,
                            assets.HistoryResponse,
                            lambda request, _: self._service.history(request),
                            "BatchGetAssetsHistory",
                        ),
                        "SearchAllResources": self._handler(
                            assets.SearchRequest,
                            assets.SearchResponse,
                            lambda request, _: self._service.search(request),
                            "SearchAllResources",
                        ),
                    },
                ),
            )
        )
        self.port: int = self._server.add_insecure_port("127.0.0.1:0")

    def start(self) -> None:
        """Serve."""
        self._server.start()

    def close(self) -> None:
        """Stop at once."""
        self._server.stop(grace=0).wait()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _list(self, request: Any, fault: Fault | None) -> Any:
        if fault is not None and fault.kind is FaultKind.TRUNCATED:
            if request.page_token:
                raise GcpError("INTERNAL", "Internal error encountered.")
            return self._service.list_assets(request, half=True)
        return self._service.list_assets(request)

    def _handler(
        self, request_type: Any, response_type: Any, serve: Callable[[Any, Fault | None], Any], operation: str
    ) -> Any:
        def handle(request: Any, context: grpc.ServicerContext) -> Any:
            call = call_of(self._store, operation, request)
            fault = self._faults.strike(call)
            date = self._store.clock() + (SKEW if fault and fault.kind is FaultKind.SKEWED else timedelta())
            context.send_initial_metadata((("date", format_datetime(date, usegmt=True)),))
            if fault is not None:
                self._break(fault, context, call)
            try:
                return serve(request, fault)
            except GcpError as error:
                _abort(context, error)

        return grpc.unary_unary_rpc_method_handler(
            handle,
            request_deserializer=request_type.FromString,
            response_serializer=response_type.SerializeToString,
        )

    def _break(self, fault: Fault, context: grpc.ServicerContext, call: Call) -> None:
        """End the call as the fault says, or return for a fault that still answers."""
        if fault.kind is FaultKind.SLOW:
            self._closing.wait(fault.delay)
            return
        if fault.kind is FaultKind.TRUNCATED:
            return
        if fault.kind is FaultKind.TIMEOUT:
            self._closing.wait(fault.delay)
        _abort(context, fault_error(fault.kind, call))


def call_of(store: AssetStore, operation: str, request: Any) -> Call:
    """A call as the fault plan understands it: the project by its id, the content type as the resource."""
    parent = request.scope if operation == "SearchAllResources" else request.parent
    kind, _, name = parent.partition("/")
    ids = {number: id_ for id_, number in store.projects().items()}
    content = assets.CONTENT.get(getattr(request, "content_type", -1), "SEARCH")
    return Call(
        account=ids.get(name, name) if kind == "projects" else parent,
        service="cloudasset",
        operation=operation,
        resource=content,
    )


def fault_error(kind: FaultKind, call: Call) -> GcpError:
    """The error a fault ends in."""
    if kind is FaultKind.DENIED:
        permission = PERMISSION.get(call.resource, f"{call.service}.{call.operation}".lower())
        return GcpError(
            "PERMISSION_DENIED",
            f"Permission '{permission}' denied on resource '{call.account}' (or it may not exist).",
            reason="IAM_PERMISSION_DENIED",
            permission=permission,
        )
    if kind is FaultKind.THROTTLED:
        return GcpError(
            "RESOURCE_EXHAUSTED",
            f"Quota exceeded for quota metric '{call.operation} Requests' and limit 'Requests per minute'.",
            reason="RATE_LIMIT_EXCEEDED",
        )
    if kind in (FaultKind.EXPIRED, FaultKind.SKEWED):
        return GcpError(
            "UNAUTHENTICATED",
            "Request had invalid authentication credentials.",
            reason="ACCESS_TOKEN_EXPIRED",
        )
    if kind is FaultKind.TIMEOUT:
        return GcpError("DEADLINE_EXCEEDED", "The deadline expired.")
    if kind is FaultKind.RESET:
        return GcpError("UNAVAILABLE", "recvmsg: Connection reset by peer")
    if kind is FaultKind.HTML:
        return GcpError(
            "UNKNOWN", "unexpected HTTP status code received from server: 500, content-type text/html"
        )
    return GcpError("INTERNAL", "Internal error encountered.")


def _abort(context: grpc.ServicerContext, error: GcpError) -> NoReturn:
    status = status_pb2.Status(code=code_pb2.Code.Value(error.status), message=error.message)
    if error.reason:
        detail = any_pb2.Any()
        detail.Pack(
            error_details_pb2.ErrorInfo(reason=error.reason, domain="googleapis.com", metadata=error.metadata)
        )
        status.details.append(detail)
    context.abort_with_status(rpc_status.to_status(status))
    raise AssertionError("abort raises")
