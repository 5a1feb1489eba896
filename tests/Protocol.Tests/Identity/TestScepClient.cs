using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.Pkcs;
using System.Security.Cryptography.X509Certificates;
using FleetMdm.Protocol.Identity;

namespace FleetMdm.Protocol.Tests.Identity;

/// <summary>The other side of SCEP, written with .NET's SignedCms and EnvelopedCms only.</summary>
internal static class TestScepClient
{
    public const string Aes128 = "2.16.840.1.101.3.4.1.2";
    public const string Aes192 = "2.16.840.1.101.3.4.1.22";
    public const string Aes256 = "2.16.840.1.101.3.4.1.42";
    public const string TripleDes = "1.2.840.113549.3.7";
    public const string Des = "1.3.14.3.2.7";

    private const string Arc = "2.16.840.1.113733.1.9.";

    public static readonly KeyedCertificate Ra = TestPki.Ca.IssueRegistrationAuthority("District", TestPki.Now, TimeSpan.FromDays(365));
    public static readonly X509Certificate2 Requester =
        TestPki.Custom(TestPki.RsaKey, "CN=iPad", r => r.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true)));

    public static ScepResponder Responder(bool allowLegacy = false) => new(TestPki.Ca.Certificate, [Ra], allowLegacy);

    public static byte[] Envelope(byte[] content, string cipher = Aes256, KeyedCertificate? to = null)
    {
        var envelope = new EnvelopedCms(new ContentInfo(content), new AlgorithmIdentifier(new Oid(cipher)));
        envelope.Encrypt(new CmsRecipient(X509CertificateLoader.LoadCertificate((to ?? Ra).Certificate)));
        return envelope.Encode();
    }

    public static byte[] Message(byte[] envelope, string messageType = "19", X509Certificate2? signer = null, string digest = "2.16.840.1.101.3.4.2.1",
        string transaction = "ABC123", byte[]? nonce = null, string? without = null)
    {
        var cms = new SignedCms(new ContentInfo(envelope));
        var cmsSigner = new CmsSigner(SubjectIdentifierType.IssuerAndSerialNumber, signer ?? Requester)
        {
            DigestAlgorithm = new Oid(digest),
            IncludeOption = X509IncludeOption.EndCertOnly,
        };
        void Add(string name, byte[] value)
        {
            if (name != without)
                cmsSigner.SignedAttributes.Add(new AsnEncodedData(Arc + name, value));
        }
        Add("2", TestPki.PrintableString(messageType));
        Add("7", TestPki.PrintableString(transaction));
        Add("5", [4, (byte)(nonce ??= [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]).Length, .. nonce]);
        cms.ComputeSignature(cmsSigner);
        return cms.Encode();
    }

    /// <summary>Checks the answer's signature and gives its attributes and what was inside.</summary>
    public static ScepAnswer Read(byte[] answer, X509Certificate2? requester = null, byte[]? ra = null)
    {
        var cms = new SignedCms();
        cms.Decode(answer);
        if (cms.ContentInfo.Content.Length == 0)
        {
            cms = new SignedCms(new ContentInfo([]), detached: true);
            cms.Decode(answer);
        }
        cms.CheckSignature(verifySignatureOnly: true);
        var signer = Assert.Single(cms.SignerInfos.Cast<SignerInfo>());
        Assert.Equal(ra ?? Ra.Certificate, signer.Certificate!.RawData);
        var attributes = signer.SignedAttributes.Cast<CryptographicAttributeObject>().ToDictionary(a => a.Oid.Value!, a => a.Values[0].RawData);
        string? Text(string name) => attributes.TryGetValue(Arc + name, out var raw)
            ? new AsnReader(raw, AsnEncodingRules.DER).ReadCharacterString(UniversalTagNumber.PrintableString)
            : null;

        X509Certificate2? issued = null;
        if (cms.ContentInfo.Content.Length > 0)
        {
            var envelope = new EnvelopedCms();
            envelope.Decode(cms.ContentInfo.Content);
            using var key = (requester ?? Requester).GetRSAPrivateKey();
            envelope.Decrypt(envelope.RecipientInfos[0], key);
            var inner = new SignedCms();
            inner.Decode(envelope.ContentInfo.Content);
            Assert.Empty(inner.SignerInfos);
            issued = Assert.Single(inner.Certificates);
        }
        return new ScepAnswer(Text("2"), Text("3"), Text("4"), Text("7"),
            new AsnReader(attributes[Arc + "6"], AsnEncodingRules.DER).ReadOctetString(), issued);
    }
}

internal sealed record ScepAnswer(string? MessageType, string? Status, string? FailInfo, string? Transaction, byte[] RecipientNonce, X509Certificate2? Issued);
