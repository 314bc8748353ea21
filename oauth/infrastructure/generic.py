"""Django's admin, form and paginator classes with the type parameters of their stubs, as in `ModelForm[Client]`.

Django's classes cannot be subscripted at run time. Subscripting these names returns Django's classes.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin, TabularInline
    from django.core.paginator import Page, Paginator
    from django.forms import ModelForm
else:
    from django import forms
    from django.contrib import admin
    from django.core import paginator

    class _Generic:
        def __init__(self, django_class: type) -> None:
            self.django_class = django_class

        def __getitem__(self, _parameter: Any) -> type:
            return self.django_class

    ModelAdmin = _Generic(admin.ModelAdmin)
    TabularInline = _Generic(admin.TabularInline)
    ModelForm = _Generic(forms.ModelForm)
    Page = _Generic(paginator.Page)
    Paginator = _Generic(paginator.Paginator)

__all__ = ["ModelAdmin", "ModelForm", "Page", "Paginator", "TabularInline"]
