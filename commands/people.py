"""``litestar staff-create`` and its like: the first people of an installation, and who has lost their phone."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import click

from operations import second_factors, staff_factors, users
from operations.actors import PANEL
from operations.clients import normal_email
from operations.refusals import Invalid
from piccolo_conf import close_pool, open_pool
from tables.choices import Role
from tables.clients import Client
from tables.staff import Staff

password_option = click.option("--password", prompt=True, hide_input=True, confirmation_prompt=True)


@click.command(name="staff-create")
@click.argument("username")
@click.argument("email")
@click.option("--role", type=click.Choice([role.value for role in Role]), default=Role.administracion.value)
@password_option
def staff_create(username: str, email: str, role: str, password: str) -> None:
    """Give a member of staff a sign-in at /admin/."""
    asyncio.run(_create_staff(username, email, role, password))


@click.command(name="user-create")
@click.argument("email")
@password_option
def user_create(email: str, password: str) -> None:
    """Give the client with this e-mail address a sign-in."""
    asyncio.run(_create_user(email, password))


@click.command(name="staff-factor-remove")
@click.argument("username")
def staff_factor_remove(username: str) -> None:
    """Take away the second factor of a member of staff who lost phone and recovery codes. Make sure who asks."""
    if not asyncio.run(_with_pool(lambda: staff_factors.take_away(username, by=PANEL))):
        raise click.ClickException(f"There is no {username} with a second factor.")
    click.echo(f"{username} signs in by password once more and sets up another second factor.")


@click.command(name="user-factor-remove")
@click.argument("email")
def user_factor_remove(email: str) -> None:
    """Take away the second factor of a user who lost phone and recovery codes. Make sure who asks; they are told."""
    address = normal_email(email)
    if not asyncio.run(_with_pool(lambda: second_factors.take_away(address, by=PANEL))):
        raise click.ClickException(f"There is no user {address or email} with a second factor.")
    click.echo(f"{address} signs in by password alone.")


async def _with_pool(act: Callable[[], Coroutine[Any, Any, bool]]) -> bool:
    await open_pool()
    try:
        return await act()
    finally:
        await close_pool()


async def _create_staff(username: str, email: str, role: str, password: str) -> None:
    await open_pool()
    try:
        if await Staff.exists().where(Staff.username == username):
            raise click.ClickException(f"There is a {username} already. Choose another name.")
        staff = Staff(  # type: ignore[no-untyped-call]
            username=username, email=email, active=True, admin=True, superuser=role == Role.administracion, role=role
        )
        try:
            Staff._validate_password(password)
        except ValueError as error:
            raise click.ClickException(str(error)) from error
        staff.password = Staff.hash_password(password)
        await staff.save()
    finally:
        await close_pool()
    click.echo(f"{username} can sign in at /admin/.")


async def _create_user(email: str, password: str) -> None:
    await open_pool()
    try:
        client = await Client.objects().get(Client.email == normal_email(email))
        if client is None:
            raise click.ClickException("No client has that address. Create the client in the admin first.")
        try:
            await users.create_user(
                email=client.email, name=client.name, password=password, client_id=client.id, by=PANEL
            )
        except Invalid as invalid:
            raise click.ClickException(" ".join(invalid.errors.values())) from invalid
    finally:
        await close_pool()
    click.echo(f"{client.email} can sign in.")
