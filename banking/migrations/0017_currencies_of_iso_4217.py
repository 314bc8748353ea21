from django.contrib.postgres.operations import AddConstraintNotValid, ValidateConstraint
from django.db import migrations, models

# The currencies of ISO 4217, as published on 2026-01-01.
CODES = (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF "
    "CHW CLF CLP CNY COP COU CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD "
    "HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD "
    "MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN "
    "PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD "
    "TWD TZS UAH UGX USD USN UYI UYU UYW UZS VED VES VND VUV WST XAD XAF XCD XCG XOF XPF YER ZAR ZMW ZWG "
).split()


class Migration(migrations.Migration):
    """Adds the constraint in steps, so that no lock is held while all accounts are read."""

    atomic = False

    dependencies = [("banking", "0016_plain_scope_sentences")]

    operations = [
        migrations.AlterField("account", "currency", models.CharField(max_length=3)),
        AddConstraintNotValid(
            "account",
            models.CheckConstraint(
                name="account_currency_known", condition=models.Q(currency__in=CODES)
            ),
        ),
        ValidateConstraint("account", "account_currency_known"),
        migrations.RemoveConstraint("account", "account_currency_code"),
    ]
