using System.Diagnostics;
using System.Formats.Asn1;
using System.Numerics;
using System.Security.Cryptography;
using System.Text;
using CsCheck;
using FleetMdm.Protocol.Identity;

namespace FleetMdm.Protocol.Tests.Identity;

/// <summary>Whatever a stranger sends is refused in a typed way, soon.</summary>
public sealed class HostileInputTests
{
    private static readonly byte[] Body = "<plist/>"u8.ToArray();
    private static readonly byte[] EcCms = TestPki.Sign(Body, TestPki.EcIdentity);
    private static readonly byte[] RsaCms = TestPki.Sign(Body, TestPki.RsaIdentity);

    /// <summary>Far above what any of them takes on a busy machine, far below what a bomb would.</summary>
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(5);

    /// <summary>Changes bytes, cuts, doubles, inserts.</summary>
    private static Gen<byte[]> Mutations(byte[] original) =>
        Gen.Select(Gen.Int[0, 5], Gen.Int[0, original.Length - 1], Gen.Int[0, original.Length - 1], Gen.Byte.Array[1, 8]).Select(
            (kind, at, other, bytes) =>
            {
                var copy = (byte[])original.Clone();
                switch (kind)
                {
                    case 0:
                        copy[at] = bytes[0];
                        return copy;
                    case 1:
                        copy[at] = bytes[0];
                        copy[other] = bytes[^1];
                        return copy;
                    case 2:
                        return copy[..at];
                    case 3:
                        return [.. copy[..at], .. bytes, .. copy[at..]];
                    case 4:
                        return [.. copy[..at], .. copy[Math.Min(copy.Length, at + bytes.Length)..]];
                    default:
                        return [.. copy[..Math.Max(at, other)], .. copy[Math.Min(at, other)..]];
                }
            });

    /// <summary>True when it ends well or with a typed refusal.</summary>
    private static bool Typed(Action action)
    {
        var watch = Stopwatch.StartNew();
        try
        {
            action();
        }
        catch (Exception e) when (e is IdentityException or ScepException)
        {
        }
        return watch.Elapsed < Soon;
    }

    [Fact]
    public void A_mutated_signature_never_speaks_for_another_key() =>
        Gen.OneOf(Mutations(EcCms), Mutations(RsaCms)).Sample(cms => Typed(() =>
        {
            var certificate = MdmSignature.Verify(Body, Convert.ToBase64String(cms));
            // It may still hold where nothing depends on what was changed, as in the certificate's own signature. The key is the signer's.
            Assert.Contains(Convert.ToHexString(certificate.PublicKeyInfo.Span[^64..]), (string[])
            [
                Convert.ToHexString(TestPki.EcKey.ExportSubjectPublicKeyInfo()[^64..]), Convert.ToHexString(TestPki.RsaKey.ExportSubjectPublicKeyInfo()[^64..]),
            ]);
        }), iter: 20_000);

    [Fact]
    public void The_verifier_takes_no_mutated_certificate()
    {
        var verifier = TestPki.Verifier();
        Mutations(TestPki.EcIdentity.RawData).Sample(der =>
        {
            var same = der.AsSpan().SequenceEqual(TestPki.EcIdentity.RawData);
            return Typed(() =>
            {
                verifier.Verify(der, TestPki.Now);
                Assert.True(same, "A changed certificate was taken.");
            });
        }, iter: 20_000);
    }

    [Fact]
    public void A_certificate_whose_signature_claims_unused_bits_is_refused()
    {
        var der = (byte[])TestPki.EcIdentity.RawData.Clone();
        var reader = new System.Formats.Asn1.AsnReader(der, System.Formats.Asn1.AsnEncodingRules.DER).ReadSequence();
        reader.ReadEncodedValue();
        reader.ReadEncodedValue();
        var signature = reader.ReadEncodedValue();

        // Tag and length take a byte each here, then comes the count; the last bit is made zero, so that the encoding stays DER.
        der[^(signature.Length - 2)] = 1;
        der[^1] &= 0xFE;
        var refusal = Assert.Throws<IdentityException>(() => IdentityCertificate.Parse(der));
        Assert.Equal(IdentityRefusal.BadCms, refusal.Refusal);
    }

    [Fact]
    public void Random_headers_are_refused() =>
        Gen.String[0, 400].Sample(text => Typed(() => MdmSignature.Verify(Body, text)) && Typed(() => CertificateHeader.Parse(text, []).ToArray()), iter: 10_000);

    [Fact]
    public void Mutated_proxy_headers_are_refused_or_read()
    {
        var structured = Encoding.Latin1.GetBytes($":{Convert.ToBase64String(TestPki.EcIdentity.RawData)}:");
        var escaped = Encoding.Latin1.GetBytes(Uri.EscapeDataString(PemEncoding.WriteString("CERTIFICATE", TestPki.EcIdentity.RawData)));
        Gen.OneOf(Mutations(structured), Mutations(escaped)).Sample(
            bytes => Typed(() => TestPki.Verifier().Verify(CertificateHeader.Parse(Encoding.Latin1.GetString(bytes), []), TestPki.Now)), iter: 5_000);
    }

    [Fact]
    public void Mutated_signing_requests_are_refused_or_read()
    {
        var rsa = TestPki.Csr(TestPki.RsaKey, challenge: "secret");
        var ec = TestPki.Csr(TestPki.EcKey, challenge: "secret");
        Gen.OneOf(Mutations(rsa), Mutations(ec)).Sample(der => Typed(() => CertificateSigningRequest.Parse(der)), iter: 10_000);
    }

    [Fact]
    public void Mutated_SCEP_messages_are_refused_or_answered()
    {
        using var responder = TestScepClient.Responder(allowLegacy: true);
        var message = TestScepClient.Message(TestScepClient.Envelope(TestPki.Csr(TestPki.RsaKey)));
        Mutations(message).Sample(bytes => Typed(() =>
        {
            var request = responder.Read(bytes);
            try
            {
                var csr = responder.Open(request);
                responder.Success(request, TestPki.Ca.IssueIdentity(csr, TestPki.Now, TimeSpan.FromDays(1)).Der);
            }
            catch (ScepException e)
            {
                responder.Failure(request, e.FailInfo);
            }
        }), iter: 3_000);
    }

    [Fact]
    public void Mutated_envelopes_in_well_signed_messages_are_refused_or_opened()
    {
        using var responder = TestScepClient.Responder(allowLegacy: true);
        var envelope = TestScepClient.Envelope(TestPki.Csr(TestPki.RsaKey));
        Mutations(envelope).Sample(bytes => bytes.Length == 0 || Typed(() =>
        {
            var request = responder.Read(TestScepClient.Message(bytes));
            responder.Open(request);
        }), iter: 1_000);
    }

    [Fact]
    public void Mutated_requests_in_well_made_envelopes_are_refused_or_certified()
    {
        using var responder = TestScepClient.Responder(allowLegacy: true);
        Mutations(TestPki.Csr(TestPki.EcKey, challenge: "secret")).Sample(bytes => Typed(() =>
        {
            var request = responder.Read(TestScepClient.Message(TestScepClient.Envelope(bytes)));
            TestPki.Ca.IssueIdentity(responder.Open(request), TestPki.Now, TimeSpan.FromDays(1));
        }), iter: 500);
    }

    public static TheoryData<string> Bombs => ["nested definite", "nested indefinite", "constructed strings", "swarm", "open", "long length"];

    [Theory, MemberData(nameof(Bombs))]
    public void A_BER_bomb_costs_no_more_than_its_length(string kind)
    {
        const int Size = ScepResponder.MaxMessageBytes;
        byte[] bomb = kind switch
        {
            "nested definite" => Nested(Size),
            "nested indefinite" => [.. Enumerable.Repeat((byte[])[0x30, 0x80], Size / 4).SelectMany(b => b), .. new byte[Size / 2]],
            "constructed strings" => [0x30, 0x80, .. Enumerable.Repeat((byte[])[0x24, 0x80], Size / 4 - 1).SelectMany(b => b), .. new byte[Size / 2]],
            "swarm" => [0x30, 0x83, 0, 0xFF, 0x00, .. Enumerable.Repeat((byte[])[0x05, 0x00], 0xFF00 / 2).SelectMany(b => b)],
            "open" => [.. Enumerable.Repeat((byte[])[0x30, 0x80], 16).SelectMany(b => b)],
            _ => [0x30, 0x84, 0x7F, 0xFF, 0xFF, 0xFF, 0x00],
        };
        using var responder = TestScepClient.Responder();
        var watch = Stopwatch.StartNew();
        Assert.Equal(IdentityRefusal.BadCms, TestPki.Refusal(() => responder.Read(bomb)));
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(1), $"It took {watch.Elapsed}.");
        Assert.Equal(IdentityRefusal.BadCms, TestPki.Refusal(() => CertificateSigningRequest.Parse(bomb)));
    }

    private static byte[] Nested(int size)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        var depth = size / 4;
        for (var i = 0; i < depth; i++)
            writer.PushSequence();
        for (var i = 0; i < depth; i++)
            writer.PopSequence();
        return writer.Encode()[..Math.Min(size, writer.GetEncodedLength())];
    }

    [Theory]
    [InlineData(512, 65537)]
    [InlineData(16384, 65537)]
    [InlineData(2048, 4)]
    [InlineData(2048, 1)]
    public void An_odd_RSA_key_is_refused_before_it_is_used(int bits, int exponent)
    {
        var modulus = BigInteger.One << (bits - 1) | BigInteger.One;
        Assert.Equal(IdentityRefusal.UnsupportedAlgorithm, TestPki.Refusal(() => VerificationKeyOf(modulus, exponent)));
    }

    [Fact]
    public void An_RSA_key_with_an_endless_exponent_is_refused_before_it_is_used() =>
        Assert.Equal(IdentityRefusal.UnsupportedAlgorithm,
            TestPki.Refusal(() => VerificationKeyOf((BigInteger.One << 2047) | 1, (BigInteger.One << 2000) | 1)));

    [Fact]
    public void An_EC_point_off_its_curve_is_refused()
    {
        var spki = TestPki.EcKey.ExportSubjectPublicKeyInfo();
        spki[^1] ^= 1;
        Assert.Equal(IdentityRefusal.UnsupportedAlgorithm, TestPki.Refusal(() => Csr(spki, "1.2.840.10045.4.3.2")));
        Assert.Equal(IdentityRefusal.UnsupportedAlgorithm, TestPki.Refusal(() => Csr([.. spki[..^65], 2, .. spki[^64..]], "1.2.840.10045.4.3.2")));
    }

    private static void VerificationKeyOf(BigInteger modulus, BigInteger exponent)
    {
        var key = new AsnWriter(AsnEncodingRules.DER);
        using (key.PushSequence())
        {
            key.WriteInteger(modulus);
            key.WriteInteger(exponent);
        }
        var spki = new AsnWriter(AsnEncodingRules.DER);
        using (spki.PushSequence())
        {
            using (spki.PushSequence())
            {
                spki.WriteObjectIdentifier("1.2.840.113549.1.1.1");
                spki.WriteNull();
            }
            spki.WriteBitString(key.Encode());
        }
        Csr(spki.Encode(), "1.2.840.113549.1.1.11");
    }

    /// <summary>A request with any key in it; its signature is rubbish.</summary>
    private static void Csr(byte[] spki, string signatureAlgorithm)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            using (writer.PushSequence())
            {
                writer.WriteInteger(0);
                using (writer.PushSequence())
                {
                }
                writer.WriteEncodedValue(spki);
            }
            using (writer.PushSequence())
                writer.WriteObjectIdentifier(signatureAlgorithm);
            writer.WriteBitString(new byte[64]);
        }
        CertificateSigningRequest.Parse(writer.Encode());
    }
}
