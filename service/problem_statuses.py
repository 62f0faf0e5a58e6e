"""Which HTTP status each error of ours is: the one table that knows both."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from catalog import errors as catalog_errors
from raster import errors as raster_errors
from service import errors as service_errors
from service import request_errors

STATUSES: Mapping[type[Exception], HTTPStatus] = {
    raster_errors.SourceNotFound: HTTPStatus.BAD_GATEWAY,
    raster_errors.SourceForbidden: HTTPStatus.UNPROCESSABLE_ENTITY,
    raster_errors.SourceRefused: HTTPStatus.UNPROCESSABLE_ENTITY,
    raster_errors.SourceUnreadable: HTTPStatus.UNPROCESSABLE_ENTITY,
    raster_errors.SourceChanged: HTTPStatus.CONFLICT,
    raster_errors.SourceMisdeclared: HTTPStatus.CONFLICT,
    raster_errors.PlacementRefused: HTTPStatus.UNPROCESSABLE_ENTITY,
    raster_errors.TerrainEmpty: HTTPStatus.CONFLICT,
    raster_errors.TerrainTooLarge: HTTPStatus.UNPROCESSABLE_ENTITY,
    raster_errors.GridInvalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    raster_errors.MetricNotFound: HTTPStatus.NOT_FOUND,
    raster_errors.MetricNotImportable: HTTPStatus.SERVICE_UNAVAILABLE,
    raster_errors.NotAMetric: HTTPStatus.SERVICE_UNAVAILABLE,
    raster_errors.MetricNameInvalid: HTTPStatus.SERVICE_UNAVAILABLE,
    raster_errors.MetricNameTaken: HTTPStatus.SERVICE_UNAVAILABLE,
    raster_errors.MetricFailed: HTTPStatus.INTERNAL_SERVER_ERROR,
    raster_errors.MetricOverflow: HTTPStatus.UNPROCESSABLE_ENTITY,
    raster_errors.LevelNotFound: HTTPStatus.NOT_FOUND,
    raster_errors.WindowOutOfBounds: HTTPStatus.UNPROCESSABLE_ENTITY,
    raster_errors.WindowTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    raster_errors.PyramidNotFound: HTTPStatus.NOT_FOUND,
    raster_errors.PyramidCorrupt: HTTPStatus.SERVICE_UNAVAILABLE,
    catalog_errors.TerrainNotFound: HTTPStatus.NOT_FOUND,
    catalog_errors.TerrainExists: HTTPStatus.CONFLICT,
    catalog_errors.TileNotFound: HTTPStatus.NOT_FOUND,
    catalog_errors.GenerationNotFound: HTTPStatus.NOT_FOUND,
    catalog_errors.KeyNotFound: HTTPStatus.NOT_FOUND,
    catalog_errors.RegistrationNotFound: HTTPStatus.NOT_FOUND,
    catalog_errors.RegistrationLost: HTTPStatus.SERVICE_UNAVAILABLE,
    catalog_errors.LeaseLost: HTTPStatus.SERVICE_UNAVAILABLE,
    catalog_errors.RequestKeyTaken: HTTPStatus.CONFLICT,
    catalog_errors.CursorInvalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    catalog_errors.CatalogUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    catalog_errors.SchemaOutdated: HTTPStatus.SERVICE_UNAVAILABLE,
    service_errors.RegistrationRefused: HTTPStatus.UNPROCESSABLE_ENTITY,
    service_errors.RegistrationTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    service_errors.TableRefused: HTTPStatus.UNPROCESSABLE_ENTITY,
    service_errors.RegistrationAbandoned: HTTPStatus.SERVICE_UNAVAILABLE,
    service_errors.RegistrationStopped: HTTPStatus.SERVICE_UNAVAILABLE,
    service_errors.SpoolUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    service_errors.PyramidNotBuilt: HTTPStatus.NOT_FOUND,
    raster_errors.ClusterUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    raster_errors.StoreFailed: HTTPStatus.SERVICE_UNAVAILABLE,
    raster_errors.BudgetTooSmall: HTTPStatus.UNPROCESSABLE_ENTITY,
    service_errors.BuildCancelled: HTTPStatus.SERVICE_UNAVAILABLE,
    service_errors.NotReady: HTTPStatus.SERVICE_UNAVAILABLE,
    service_errors.BuildSuperseded: HTTPStatus.SERVICE_UNAVAILABLE,
    service_errors.BuildBroken: HTTPStatus.INTERNAL_SERVER_ERROR,
    service_errors.BuildAbandoned: HTTPStatus.INTERNAL_SERVER_ERROR,
    service_errors.BuildCalledOff: HTTPStatus.CONFLICT,
    service_errors.BuildFailedBefore: HTTPStatus.SERVICE_UNAVAILABLE,
    service_errors.PyramidLost: HTTPStatus.INTERNAL_SERVER_ERROR,
    service_errors.Overloaded: HTTPStatus.SERVICE_UNAVAILABLE,
    service_errors.ResourcesExhausted: HTTPStatus.SERVICE_UNAVAILABLE,
    service_errors.StoreUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    service_errors.ObjectNotFound: HTTPStatus.NOT_FOUND,
    request_errors.RangeNotSatisfiable: HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
    service_errors.BodyTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    request_errors.BodyMalformed: HTTPStatus.BAD_REQUEST,
    request_errors.MediaTypeNotTaken: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    service_errors.ParameterInvalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    service_errors.ParameterUnknown: HTTPStatus.UNPROCESSABLE_ENTITY,
    service_errors.FormatNotSupported: HTTPStatus.UNPROCESSABLE_ENTITY,
    service_errors.NothingAcceptable: HTTPStatus.NOT_ACCEPTABLE,
    service_errors.KeyMissing: HTTPStatus.UNAUTHORIZED,
    service_errors.KeyUnknown: HTTPStatus.UNAUTHORIZED,
    service_errors.KeyExpired: HTTPStatus.UNAUTHORIZED,
    service_errors.ScopeMissing: HTTPStatus.FORBIDDEN,
    service_errors.BuildNeedsKey: HTTPStatus.CONFLICT,
    service_errors.HostUnknown: HTTPStatus.MISDIRECTED_REQUEST,
    request_errors.RequestMalformed: HTTPStatus.BAD_REQUEST,
    request_errors.PreflightRefused: HTTPStatus.BAD_REQUEST,
}
"""Leaf errors only: a base class says nothing about what a client should do.

SourceNotFound is that of a registered tile; in a registration it is a reason of RegistrationRefused.
"""
