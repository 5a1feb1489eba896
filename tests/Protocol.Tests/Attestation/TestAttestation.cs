using System.Formats.Cbor;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using FleetMdm.Protocol.Attestation;
using FleetMdm.Protocol.Identity;
using FleetMdm.Protocol.Tests.Identity;

namespace FleetMdm.Protocol.Tests.Attestation;

/// <summary>Attestations as Apple makes them, by a root of the tests' own.</summary>
internal static class TestAttestation
{
    public const string Serial = "DMPX1A2B3C4D";
    public const string Udid = "00008101-0011223344556677";

    private const string Arc = "1.2.840.113635.100.8.";

    public static readonly byte[] Freshness = SHA256.HashData("token"u8);
    public static readonly X509Certificate2 Root = Ca("Attestation root", null);
    public static readonly X509Certificate2 Issuer = Ca("Attestation CA", Root);
    public static readonly DeviceAttestations Attestations = new([IdentityCertificate.Parse(Root.RawData)]);

    public static X509Certificate2 Ca(string name, X509Certificate2? issuer, bool isCa = true, bool signs = true) =>
        TestPki.Custom(ECDsa.Create(ECCurve.NamedCurves.nistP384), $"CN={name}", request =>
        {
            request.CertificateExtensions.Add(new X509BasicConstraintsExtension(isCa, false, 0, true));
            request.CertificateExtensions.Add(new X509KeyUsageExtension(signs ? X509KeyUsageFlags.KeyCertSign : X509KeyUsageFlags.DigitalSignature, true));
        }, issuer);

    /// <summary>A leaf with these extensions of Apple's.</summary>
    public static byte[] Leaf(X509Certificate2? issuer = null, bool isCa = false, params (string Oid, byte[] Value)[] extensions) =>
        TestPki.Custom(TestPki.EcKey, "CN=leaf", request =>
        {
            request.CertificateExtensions.Add(new X509BasicConstraintsExtension(isCa, false, 0, true));
            foreach (var (oid, value) in extensions) request.CertificateExtensions.Add(new X509Extension(Arc + oid, value, critical: false));
        }, issuer ?? Issuer).RawData;

    public static byte[] Usual(X509Certificate2? issuer = null) => Leaf(issuer, false,
        ("9.1", Text(Serial)), ("9.2", Text(Udid)), ("9.4", Text("J271AP")), ("10.1", Text("18.3")), ("10.2", Text("18.3")), ("11.1", Freshness));

    public static byte[] Text(string text) => Encoding.UTF8.GetBytes(text);

    public static byte[] Statement(IReadOnlyList<byte[]> chain, string format = "apple") => Cbor(writer =>
    {
        writer.WriteStartMap(2);
        writer.WriteTextString("fmt");
        writer.WriteTextString(format);
        writer.WriteTextString("attStmt");
        writer.WriteStartMap(1);
        writer.WriteTextString("x5c");
        writer.WriteStartArray(chain.Count);
        foreach (var certificate in chain) writer.WriteByteString(certificate);
        writer.WriteEndArray();
        writer.WriteEndMap();
        writer.WriteEndMap();
    });

    public static byte[] Cbor(Action<CborWriter> write)
    {
        var writer = new CborWriter(CborConformanceMode.Lax);
        write(writer);
        return writer.Encode();
    }
}
