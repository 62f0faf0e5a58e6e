"""Which addresses may be connected to, asked at the moment of connecting.

Names are resolved by whoever connects, so a name that is looked at before may lead elsewhere then,
and so may a redirect. A socket is only made for an address that may be reached.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

from raster.sources.remote.policy import Network

NOT_PUBLIC = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
        "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15",
        "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
    )
)  # fmt: skip
"""Of IPv4, by IANA's registry of special addresses, multicast and the reserved rest."""

PUBLIC_6 = ip_network("2000::/3")
"""The only addresses of IPv6 that are given out."""

NOT_PUBLIC_6 = tuple(
    ip_network(network) for network in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)
"""Within them: special ones, and those that carry an address of IPv4 (Teredo, 6to4)."""


class AddressRefused(PermissionError):
    """The address is not one that may be connected to."""


@dataclass(frozen=True, slots=True)
class Guard:
    """Makes sockets for addresses that are public, or in a network that is allowed."""

    networks: tuple[Network, ...]

    def __call__(self, address_info: tuple[Any, ...]) -> socket.socket:
        """A socket for an address as `getaddrinfo` gives it.

        Raises
        ------
        AddressRefused
        """
        family, kind, protocol, _, address = address_info
        if family not in {socket.AF_INET, socket.AF_INET6} or not self.allows(str(address[0])):
            raise AddressRefused
        return socket.socket(family, kind, protocol)

    def allows(self, address: str) -> bool:
        """Whether an address may be connected to."""
        found = ip_address(address.partition("%")[0])
        if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
            found = found.ipv4_mapped
        return _is_public(found) or any(
            found in network for network in self.networks if network.version == found.version
        )


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in network for network in NOT_PUBLIC)
    return address in PUBLIC_6 and not any(address in network for network in NOT_PUBLIC_6)
