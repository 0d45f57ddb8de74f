"""Accounts of the four roles, as an administrator would make them."""

from __future__ import annotations

from django.contrib.auth.models import Group, User


def person(name: str, role: str = "", **fields: object) -> User:
    """An account, in the group of its role."""
    user = User.objects.create_user(name, **fields)
    if role:
        user.groups.add(Group.objects.get(name=role))
    return user
