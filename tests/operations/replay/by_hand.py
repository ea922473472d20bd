"""What must come of the cast, from the rules of the house alone: plain arithmetic, an account at a time.

Nothing of the panel is used here. Each account is lived through day by day, as a patient clerk with a calendar would.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from tests.operations.replay.cast import AUMENTOS, DAY, FIRST, PRICES, Account, Act, Aumento, Rented
from tests.operations.replay.paper import CENT, ZERO, Change, Invoice, Line, Period, Service

DEAD = ("terminated", "cancelled")


class Life:
    """One account's life. ``events`` collects (day, name, amount)."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.services = [self._rented(place, rented) for place, rented in enumerate(account.services)]
        self.invoices: list[Invoice] = []
        self.payments: list[tuple[Invoice, Decimal]] = []
        self.credit = ZERO
        self.clock = 0
        self.events: list[tuple[date, str, str]] = []
        self.day = FIRST

    def _rented(self, place: int, rented: Rented) -> Service:
        name = f"sitio{self.account.number}-{place}"
        service = Service(name, rented.plan, rented.cycle, rented.price, rented.anchor, [])
        start = rented.anchor
        while service.end_of(start) <= FIRST:
            start = service.end_of(start)
        service.periods.append(Period(start, service.end_of(start), "imported", rented.price))
        return service

    def happens(self, name: str, amount: Decimal | None = None) -> None:
        self.events.append((self.day, name, "-" if amount is None else f"{amount:.2f}"))

    # The night

    def night(self) -> None:
        self.bring_about()
        self.remind()
        self.suspend_for_debt()
        self.warn()
        self.terminate()
        self.cancel_hopeless()

    def bring_about(self) -> None:
        """What is due by the calendar, before anything else is done on a day."""
        self.lapse()
        self.issue()
        for service in self.services:
            change = service.change
            if change and change.status == "scheduled" and change.effective <= self.day and service.status not in DEAD:
                self.apply(service, change)
        for service in self.services:
            begun = [day for day in service.new_prices if any(day <= p.start <= self.day for p in service.periods)]
            if begun and service.new_prices[max(begun)][0] == service.plan:
                service.price = service.new_prices[max(begun)][1]
            for day in begun:
                del service.new_prices[day]

    def lapse(self) -> None:
        lapsed = False
        for service in self.services:
            change = service.change
            if change and change.status == "awaiting":
                assert change.invoice is not None
                if self.day > max(change.due, change.invoice.held_until):
                    self.close(service, change, "lapsed")
                    lapsed = True
        if lapsed:
            self.settle()

    def close(self, service: Service, change: Change, how: str) -> None:
        change.status, service.change = how, None
        if change.invoice is not None and change.invoice.status == "unpaid":
            self.cancel(change.invoice)
        self.happens(f"plan_change.{how}")

    def apply(self, service: Service, change: Change) -> None:
        service.plan, service.price, change.status, service.change = change.plan, change.price, "applied", None
        self.happens("plan_change.applied", change.price)

    def is_due(self, service: Service) -> bool:
        if service.status != "active" or service.next_start > self.day + 10 * DAY:
            return False
        if any(i.is_of(service) and i.status == "unpaid" and i.due <= self.day - 10 * DAY for i in self.invoices):
            return False
        change = service.change
        held = change is not None and change.status == "awaiting" and change.invoice is not None
        return not (held and change.invoice.held_until >= self.day)  # type: ignore[union-attr]

    def issue(self) -> None:
        while due := [service for service in self.services if self.is_due(service)]:
            bills: dict[date, list[Line]] = {}
            for service in due:
                start, end = service.next_start, service.end_of(service.next_start)
                price = service.price_from(start)
                state = "skipped" if any(a <= start and b >= end for a, b in service.apart) else "billed"
                service.periods.append(Period(start, end, state if price or state == "skipped" else "free"))
                if service.periods[-1].state == "billed":
                    bills.setdefault(start, []).append(Line("renewal", price, service, service.periods[-1]))
            for start in sorted(bills):
                self.bill(bills[start], max(start, self.day + 10 * DAY))
            if bills:
                self.settle()

    def bill(self, lines: list[Line], due: date) -> Invoice:
        invoice = Invoice(lines, self.day, due)
        self.invoices.append(invoice)
        self.happens("invoice.issued", invoice.total)
        return invoice

    def unpaid(self) -> list[Invoice]:
        return [invoice for invoice in self.invoices if invoice.status == "unpaid"]

    def remind(self) -> None:
        for invoice in self.unpaid():
            stages = [invoice.due + days * DAY for days in (-3, 0, 3, 7) if invoice.due + days * DAY <= self.day]
            if stages and invoice.held_until < self.day and not any(d >= stages[-1] for d in invoice.reminded):
                invoice.reminded[stages[-1]] = self.day
                self.happens("invoice.reminder", invoice.total - invoice.paid)

    def suspend_for_debt(self) -> None:
        for service in self.services:
            late = [i for i in self.unpaid() if i.is_of(service) and i.due <= self.day - 10 * DAY]
            ready = [i for i in late if i.held_until < self.day and self._was_reminded(i)]
            if service.status == "active" and ready and service.promised < self.day:
                self.suspend(service, "unpaid")

    def _was_reminded(self, invoice: Invoice) -> bool:
        return any(
            stage >= invoice.due - 3 * DAY and done <= self.day - 2 * DAY for stage, done in invoice.reminded.items()
        )

    def suspend(self, service: Service, reason: str) -> None:
        if service.status == "active":
            service.status, service.apart_since = "suspended", self.day
        service.suspended_for[reason] = self.day
        if reason == "unpaid":
            service.warned_on = None
        self.happens("service.suspended")

    def owes(self, service: Service) -> list[Invoice]:
        """What is overdue of a service."""
        return [i for i in self.unpaid() if i.is_of(service) and i.due < self.day and not i.is_open_upgrade]

    def warn(self) -> None:
        for service in self.services:
            since = service.suspended_for.get("unpaid")
            if since and since <= self.day - 23 * DAY and not service.warned_on and self.owes(service):
                service.warned_on = self.day
                self.happens("service.termination_warned")

    def terminate(self) -> None:
        for service in self.services:
            since = service.suspended_for.get("unpaid")
            if since is None or service.warned_on is None or service.promised >= self.day:
                continue
            is_time = self.day >= max(since + 30 * DAY, service.warned_on + 7 * DAY)
            if is_time and any(invoice.held_until < self.day for invoice in self.owes(service)):
                self.end(service, "terminated")

    def end(self, service: Service, how: str) -> None:
        change = service.change
        if change and not any(period.start >= change.effective for period in service.periods):
            self.close(service, change, "withdrawn")
        service.status = how
        service.suspended_for.clear()
        self.happens("service.ended")

    def cancel_hopeless(self) -> None:
        for invoice in self.unpaid():
            late = invoice.paid == 0 and invoice.due <= self.day - 45 * DAY and invoice.held_until < self.day
            services = [line.service for line in invoice.lines if line.service]
            if late and services and all(s.status in DEAD for s in services) and len(services) == len(invoice.lines):
                self.cancel(invoice)

    def cancel(self, invoice: Invoice) -> None:
        self.credit += invoice.paid
        invoice.paid, invoice.status = ZERO, "cancelled"
        self.happens("invoice.cancelled", invoice.total)

    # Money

    def settle(self, first: Invoice | None = None) -> None:
        order = {id(invoice): place for place, invoice in enumerate(self.invoices)}
        whole = []
        for invoice in sorted(self.unpaid(), key=lambda i: (i is not first, i.due, order[id(i)])):
            share = min(self.credit, invoice.total - invoice.paid)
            if share == 0:
                break
            self.credit -= share
            invoice.paid += share
            self.touch(invoice)
            if invoice.paid == invoice.total:
                invoice.status = "paid"
                whole.append(invoice)
        for invoice in whole:
            self.happens("invoice.paid")
            for line in invoice.lines:
                if line.change and line.service and line.change.status == "awaiting":
                    self.apply(line.service, line.change)
        if whole:
            self.lift()

    def touch(self, invoice: Invoice) -> None:
        self.clock += 1
        invoice.touched = self.clock

    def lift(self) -> None:
        for service in self.services:
            if "unpaid" in service.suspended_for and not self.owes(service):
                del service.suspended_for["unpaid"]
                if not service.suspended_for:
                    self.come_back(service)

    def come_back(self, service: Service) -> None:
        service.status = "active"
        service.apart.append((service.apart_since, self.day))
        self.happens("service.reactivated")

    def pay(self, invoice: Invoice, amount: Decimal) -> None:
        self.bring_about()
        self.credit += amount
        self.payments.append((invoice, amount))
        self.happens("payment.received", amount)
        self.settle(first=invoice)
        self.issue()

    def reverse(self) -> None:
        if not self.payments:
            return
        self.bring_about()
        own, amount = self.payments.pop()
        missing = amount - self.credit
        paid = [invoice for invoice in self.invoices if invoice.paid > 0]
        for invoice in sorted(paid, key=lambda i: (i is not own, -i.touched)):
            if missing <= 0:
                break
            back = min(missing, invoice.paid)
            if invoice.status == "paid":
                invoice.due = max(invoice.due, self.day + 10 * DAY)
            invoice.paid -= back
            invoice.status = "unpaid"
            self.touch(invoice)
            self.credit += back
            missing -= back
        self.credit -= amount
        self.happens("payment.reversed", amount)

    # What the account and the staff do

    def do(self, act: Act) -> None:
        service = self.services[0]
        match act.what:
            case "upgrade" | "downgrade":
                self.ask(service, act.value)
            case "withdraw":
                self.withdraw(service)
            case "report":
                for invoice in [i for i in self.unpaid() if not i.is_open_upgrade or self._is_payable(i)]:
                    self.report(invoice)
            case "overpay":
                invoice = self.bill([Line("other", Decimal(1))], self.day + 10 * DAY)
                self.settle()
                self.pay(invoice, Decimal(1 + act.value))
            case "reverse":
                self.reverse()
            case "suspend" if service.status not in DEAD:
                self.bring_about()
                self.suspend(service, "abuse")
            case "reactivate" | "promise" if service.status == "suspended":
                self.bring_about()
                if self.owes(service):
                    service.promised = self.day + (act.value or 10) * DAY
                service.suspended_for.clear()
                self.come_back(service)
                self.issue()
            case "waive" | "reissue":
                self.correct(act.what)

    def _is_payable(self, invoice: Invoice) -> bool:
        change = next(line.change for line in invoice.lines if line.change)
        return self.day <= max(change.due, invoice.held_until)

    def report(self, invoice: Invoice) -> None:
        if invoice.held_until == date.min:
            invoice.held_until = self.day + 5 * DAY
            self.happens("payment.reported")

    def ask(self, service: Service, plan: int) -> None:
        """Ask for a plan, if the rules let one have it today."""
        known = [p for p in service.periods if p.end > self.day and p.state != "skipped"]
        overdue = any(i.due < self.day and not i.is_open_upgrade for i in self.unpaid())
        if service.status != "active" or overdue or service.change or not known or known[0].start > self.day:
            return
        target = Decimal(PRICES[service.cycle][plan])
        unbilled = any(
            i.status == "unpaid" and line.kind == "renewal" and line.service is service
            for i in self.invoices
            for line in i.lines
        )
        if plan == service.plan or (target > service.price and unbilled):
            return
        self.bring_about()
        if target < service.price:
            service.change = Change(plan, target, "scheduled", effective=known[-1].end)
            self.happens("plan_change.requested", ZERO)
        else:
            self.upgrade(service, plan, target, known)

    def upgrade(self, service: Service, plan: int, target: Decimal, known: list[Period]) -> None:
        lines = []
        change = Change(plan, target, "awaiting")
        for period in known:
            if period is known[0] and self.account.policy == "prorated":
                days, left = (period.end - period.start).days, (period.end - self.day).days
                amount = ((target - service.price) * left / days).quantize(CENT, ROUND_HALF_UP)
            else:
                amount = target - self.paid_for(period)
            if amount > 0:
                lines.append(Line("upgrade", amount, service, period, change))
        self.happens("plan_change.requested", sum((line.amount for line in lines), ZERO))
        service.change = change
        if not lines:
            self.apply(service, change)
            return
        change.due = max(self.day, min(self.day + 5 * DAY, known[-1].end - 11 * DAY))
        change.invoice = self.bill(lines, change.due)
        self.settle(first=change.invoice)

    def paid_for(self, period: Period) -> Decimal:
        return period.paid_before + sum(
            (line.amount for i in self.invoices if i.status == "paid" for line in i.lines if line.period is period),
            ZERO,
        )

    def withdraw(self, service: Service) -> None:
        change = service.change
        if change is None or any(period.start >= change.effective for period in service.periods):
            return
        self.bring_about()
        self.close(service, change, "withdrawn")
        self.settle()

    def correct(self, how: str) -> None:
        if not self.unpaid():
            return
        self.bring_about()
        old = self.unpaid()[0]
        self.cancel(old)
        if how == "reissue":
            new = self.bill([Line(x.kind, x.amount, x.service, x.period, x.change) for x in old.lines], old.due)
            for line in new.lines:
                if line.change:
                    line.change.invoice = new
        else:
            for line in old.lines:
                if line.kind == "renewal" and line.period:
                    line.period.state = "waived"
                if line.change and line.service and line.change.status == "awaiting":
                    self.close(line.service, line.change, "withdrawn")
        self.settle()

    def pay_what_is_due(self) -> None:
        for invoice, owed in [(invoice, invoice.total - invoice.paid) for invoice in self.unpaid()]:
            for offset, share in self.account.pays:
                if self.day == max(invoice.issued, invoice.due + offset * DAY):
                    half = (owed / 2).quantize(CENT)
                    amount = {"all": owed, "half": half, "short": owed - CENT}[share]
                    if invoice.status == "unpaid" and amount > 0:
                        self.pay(invoice, amount)
                    break

    def hear(self, aumento: Aumento) -> None:
        """A new price is told."""
        for service in self.services:
            mine = (self.account.policy, service.plan, service.cycle) == (aumento.policy, aumento.plan, aumento.cycle)
            if mine and service.status not in DEAD:
                service.new_prices[aumento.from_on] = (aumento.plan, aumento.price)
                self.happens("service.price_changed", aumento.price)


@dataclass(frozen=True)
class Expected:
    """What must have come of it, as the same lines of text that the panel's outcome has."""

    events: list[str]
    invoices: list[str]
    periods: list[str]


def live_by_hand(cast: tuple[Account, ...], first: date, last: date) -> Expected:
    """Live every account through the days, and write down what came of it."""
    lives = [Life(account) for account in cast]
    for life in lives:
        day = first
        while day <= last:
            life.day = day
            life.night()
            for aumento in AUMENTOS:
                if aumento.decided_on == day:
                    life.hear(aumento)
            for act in life.account.acts:
                if act.on == day:
                    life.do(act)
            if day <= life.account.stops_on:
                life.pay_what_is_due()
            day += timedelta(days=1)
    return Expected(
        sorted(f"{day} {life.account.name} {name} {amount}" for life in lives for day, name, amount in life.events),
        sorted(_words(life, invoice, line) for life in lives for invoice in life.invoices for line in invoice.lines),
        sorted(
            f"{life.account.name} {service.name} {period.start} {period.end} {period.state}"
            for life in lives
            for service in life.services
            for period in service.periods
        ),
    )


def _words(life: Life, invoice: Invoice, line: Line) -> str:
    start = line.period.start if line.period else "-"
    return (
        f"{life.account.name} {invoice.total:.2f} {invoice.paid:.2f} {invoice.status} {invoice.issued} {invoice.due}"
        f" {line.kind} {line.amount:.2f} {start}"
    )
