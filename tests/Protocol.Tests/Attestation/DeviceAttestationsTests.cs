using System.Diagnostics;
using System.Security.Cryptography;
using CsCheck;
using FleetMdm.Protocol.Attestation;
using FleetMdm.Protocol.Tests.Identity;
using static FleetMdm.Protocol.Tests.Attestation.TestAttestation;

namespace FleetMdm.Protocol.Tests.Attestation;

public sealed class DeviceAttestationsTests
{
    private static string Refusal(params byte[][] chain) => Assert.Throws<AttestationException>(() => Attestations.Check(chain, TestPki.Now)).Message;

    private static string Unreadable(byte[] cbor) => Assert.Throws<AttestationException>(() => AttestationStatement.Read(cbor)).Message;

    [Fact]
    public void The_root_of_Apple_is_the_one_that_Apple_publishes()
    {
        var apple = DeviceAttestations.Apple;
        Assert.Equal("ccf59ef8fcb3017d97f8b5fa6fa90e7a3f9283f76b55ac6cf6eda8b8b949f05b", apple.Sha256Hex);
        Assert.Contains("Apple Enterprise Attestation Root CA", apple.SubjectName);
        Assert.Equal(2047, apple.NotAfter.Year);
        Assert.True(apple.IsCa);
    }

    [Fact]
    public void An_attestation_says_which_iPad_it_is_for_which_key_and_for_which_challenge()
    {
        var attested = Attestations.Check(AttestationStatement.Read(Statement([Usual(), Issuer.RawData])), TestPki.Now);

        Assert.Equal((Serial, Udid, "18.3", "18.3", "J271AP"), (attested.SerialNumber, attested.Udid, attested.OsVersion, attested.SepOsVersion, attested.SoftwareUpdateDeviceId));
        Assert.Equal(SHA256.HashData(TestPki.EcKey.ExportSubjectPublicKeyInfo()), attested.PublicKeySha256);
        Assert.True(attested.IsFor(Freshness));
        Assert.False(attested.IsFor(SHA256.HashData("another"u8)));
        Assert.False(attested.IsFor([]));
    }

    [Fact]
    public void An_iPad_repeats_its_attestation_for_a_week_and_no_longer()
    {
        var attested = Attestations.Check([Usual(), Issuer.RawData], TestPki.Now);
        Assert.True(attested.IsStillSent(attested.Leaf.NotBefore.AddDays(7)));
        Assert.False(attested.IsStillSent(attested.Leaf.NotBefore.AddDays(9)));
    }

    [Fact]
    public void The_root_may_be_sent_along()
    {
        Assert.Equal(Serial, Attestations.Check([Usual(), Issuer.RawData, Root.RawData], TestPki.Now).SerialNumber);
        Assert.Equal(Serial, Attestations.Check([Usual(Root)], TestPki.Now).SerialNumber);
    }

    [Fact]
    public void A_value_may_be_an_ASN1_string_or_the_text_itself()
    {
        var leaf = Leaf(null, false, ("9.1", [0x0C, (byte)Serial.Length, .. Text(Serial)]), ("9.2", [0x16, (byte)Udid.Length, .. Text(Udid)]), ("11.1", [4, 32, .. Freshness]));
        var attested = Attestations.Check([leaf, Issuer.RawData], TestPki.Now);
        Assert.Equal((Serial, Udid), (attested.SerialNumber, attested.Udid));
        Assert.True(attested.IsFor(Freshness));
    }

    [Fact]
    public void What_Apple_leaves_out_or_blank_is_not_proved()
    {
        var attested = Attestations.Check([Leaf(null, false, ("9.1", []), ("9.2", Text("  ")), ("10.1", [1, 2, 3]), ("10.2", new byte[101])), Issuer.RawData], TestPki.Now);
        Assert.Equal((null, null, null, null, null), (attested.SerialNumber, attested.Udid, attested.OsVersion, attested.SepOsVersion, attested.Freshness));
        Assert.False(attested.IsFor(Freshness));
    }

    [Fact]
    public void A_chain_that_does_not_hold_proves_nothing()
    {
        var stranger = Ca("Attestation root", null);
        // The same names; without and with the stranger's root sent along.
        var foreign = Ca("Attestation CA", stranger);
        Assert.Contains("does not end in", Refusal(Usual(foreign), foreign.RawData));
        Assert.Contains("does not end in", Refusal(Usual(foreign), foreign.RawData, stranger.RawData));
        Assert.Contains("do not follow", Refusal(Usual(foreign), Issuer.RawData));
        Assert.Contains("does not end in", Refusal(Usual()));
        // A leaf is no CA, and a CA no leaf; an iPad's own certificate signs none.
        Assert.Contains("is a CA's", Refusal(Leaf(null, isCa: true), Issuer.RawData));
        var leafAsCa = Ca("Attestation CA", Root, isCa: false);
        Assert.Contains("is none", Refusal(Usual(leafAsCa), leafAsCa.RawData));
        var silent = Ca("Attestation CA", Root, signs: false);
        Assert.Contains("must not sign", Refusal(Usual(silent), silent.RawData));
        Assert.Contains("1 to 4", Refusal());
        Assert.Contains("1 to 4", Refusal(Usual(), Issuer.RawData, Issuer.RawData, Issuer.RawData, Issuer.RawData));
        Assert.Contains("cannot be read", Refusal([1, 2, 3], Issuer.RawData));
        Assert.Throws<AttestationException>(() => new DeviceAttestations([]).Check([Usual(), Issuer.RawData], TestPki.Now));
    }

    [Fact]
    public void Certificates_of_another_time_prove_nothing()
    {
        byte[][] chain = [Usual(), Issuer.RawData];
        Assert.Contains("has ended", Assert.Throws<AttestationException>(() => Attestations.Check(chain, TestPki.Now.AddDays(366))).Message);
        Assert.Contains("not valid yet", Assert.Throws<AttestationException>(() => Attestations.Check(chain, TestPki.Now.AddHours(-3))).Message);
        Attestations.Check(chain, TestPki.Now.AddMinutes(-90));
    }

    [Fact]
    public void What_is_no_statement_of_an_iPad_is_refused()
    {
        var good = Statement([Usual(), Issuer.RawData]);
        Assert.Contains("not the CBOR", Unreadable([]));
        Assert.Contains("not the CBOR", Unreadable([0xFF]));
        Assert.Contains("not the CBOR", Unreadable(Cbor(writer => writer.WriteTextString("apple"))));
        Assert.Contains("not the CBOR", Unreadable(Cbor(writer => { writer.WriteStartMap(1); writer.WriteInt32(1); writer.WriteInt32(2); writer.WriteEndMap(); })));
        Assert.Contains("not the CBOR", Unreadable(good[..^1]));
        Assert.Contains("format \"packed\"", Unreadable(Statement([Usual()], "packed")));
        Assert.Contains("no certificates", Unreadable(Statement([])));
        Assert.Contains("no certificates", Unreadable(Cbor(writer => { writer.WriteStartMap(1); writer.WriteTextString("fmt"); writer.WriteTextString("apple"); writer.WriteEndMap(); })));
        Assert.Contains("more than 4", Unreadable(Statement([.. Enumerable.Repeat(Issuer.RawData, 5)])));
        Assert.Contains("longer than", Unreadable(new byte[AttestationStatement.MaxBytes + 1]));
        Assert.Throws<AttestationException>(() => AttestationStatement.Read([.. good, 0]));
        Assert.Throws<AttestationException>(() => AttestationStatement.Read(Cbor(writer =>
        {
            writer.WriteStartMap(2);
            writer.WriteTextString("fmt");
            writer.WriteTextString("apple");
            writer.WriteTextString("fmt");
            writer.WriteTextString("apple");
            writer.WriteEndMap();
        })));
        // Arrays in arrays in arrays.
        Assert.Throws<AttestationException>(() => AttestationStatement.Read([0xA1, 0x61, 0x78, .. Enumerable.Repeat((byte)0x81, 10_000), 0]));
        Assert.Throws<AttestationException>(() => AttestationStatement.Read([0xA1, 0x61, 0x78, .. Enumerable.Repeat((byte)0x9F, 10_000)]));
    }

    [Fact]
    public void What_a_stranger_changes_is_refused_in_words_and_soon()
    {
        var good = Statement([Usual(), Issuer.RawData]);
        Gen.Select(Gen.Int[0, good.Length - 1], Gen.Byte, Gen.Int[0, 3]).Sample((at, value, kind) =>
        {
            byte[] changed = kind switch
            {
                0 => [.. good[..at], value, .. good[(at + 1)..]],
                1 => good[..at],
                2 => [.. good[..at], value, .. good[at..]],
                _ => [.. good[..at], .. good[(at + 1)..]],
            };
            var watch = Stopwatch.StartNew();
            try
            {
                var attested = Attestations.Check(AttestationStatement.Read(changed), TestPki.Now);
                // What still holds says the same.
                Assert.Equal((Serial, Udid), (attested.SerialNumber, attested.Udid));
            }
            catch (AttestationException)
            {
            }

            return watch.Elapsed < TimeSpan.FromSeconds(5);
        }, iter: 3_000);
    }

    [Theory]
    [InlineData("iPad13,18", "18.3", null, true)]
    [InlineData("iPad8,1", "16.0", null, true)]
    [InlineData("iPad13,18", null, "20A362", true)]
    [InlineData("iPad13,18", null, "22D60", true)]
    [InlineData("iPad7,11", "18.3", null, false)]
    [InlineData("iPad13,18", "15.8.2", null, false)]
    [InlineData("iPad13,18", null, "19H390", false)]
    [InlineData("iPad13,18", null, null, false)]
    [InlineData("iPad13,18", null, "none", false)]
    [InlineData("iPhone15,2", "18.3", null, false)]
    [InlineData(null, "18.3", null, false)]
    public void Which_iPads_can_attest_is_known_by_model_and_iPadOS(string? model, string? os, string? build, bool can)
    {
        var why = AttestationSupport.WhyNot(model, os, build);
        Assert.Equal(can, why is null);
        if (why is not null) Assert.EndsWith(".", why);
    }
}
