"""The one list: every table of the fleet, with what is not the default about it."""

from __future__ import annotations

from dataclasses import dataclass

SERVICES = {
    "catalogue": ("Products", "Prices", "Categories", "Brands", "Media", "Reviews"),
    "customers": ("Customers", "Addresses", "Consents", "Sessions", "Devices", "Segments"),
    "orders": ("Orders", "OrderLines", "Baskets", "Vouchers", "Returns", "Refunds"),
    "payments": ("Payments", "Mandates", "Chargebacks", "Ledgers", "Payouts", "Invoices"),
    "shipping": ("Shipments", "Parcels", "Carriers", "Labels", "Routes", "Depots"),
}
# Tables whose reads are dear: exported, so that the migration reads nothing from them.
ALWAYS_EXPORTED = frozenset({"Sessions", "Ledgers"})


@dataclass(frozen=True)
class FleetTable:
    """One table: the service that owns it, its name there, and whether it is exported whatever its size."""

    service: str
    name: str

    @property
    def old_name(self) -> str:
        """Return the name of the table to leave."""
        return f"legacy-{self.service}-{self.name}"

    @property
    def new_name(self) -> str:
        """Return the name of the table to go to."""
        return f"{self.service}-{self.name}"

    @property
    def exported(self) -> bool:
        """Tell whether it is exported whatever its size."""
        return self.name in ALWAYS_EXPORTED


FLEET = tuple(FleetTable(service, name) for service, names in SERVICES.items() for name in names)
