using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Profiles;

/// <summary>
/// How the iPad gets its identity certificate with an attestation (<c>com.apple.security.acme</c>): it makes the key in its Secure Enclave, which never gives it away, and Apple vouches
/// for key and iPad. From iPadOS 16 on.
/// </summary>
public sealed record AcmePayload : Payload
{
    /// <summary>The Secure Enclave makes keys on P-256 and P-384. The shorter one is checked several times as fast, with each message of the iPad.</summary>
    private const int KeySize = 256;

    private const int DigitalSignature = 1;
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";

    public override string Type => "com.apple.security.acme";

    public required Uri DirectoryUrl { get; init; }

    /// <summary>A secret: it lets its bearer ask for a certificate, once.</summary>
    public required string ClientIdentifier { get; init; }

    /// <summary>Attribute (a short name such as CN, or an object identifier) and value, in order. The server issues another one.</summary>
    public required IReadOnlyList<(string Attribute, string Value)> Subject { get; init; }

    protected override void Fill(PlistDictionary payload)
    {
        payload["DirectoryURL"] = DirectoryUrl.AbsoluteUri;
        payload["ClientIdentifier"] = ClientIdentifier;
        payload["KeyType"] = "ECSECPrimeRandom";
        payload["KeySize"] = KeySize;
        payload["HardwareBound"] = true;
        payload["Attest"] = true;
        payload["Subject"] = new PlistArray(Subject.Select(part => new PlistArray([PlistArray.OfStrings([part.Attribute, part.Value])])));
        payload["UsageFlags"] = DigitalSignature;
        payload["ExtendedKeyUsage"] = PlistArray.OfStrings([ClientAuthentication]);
    }

    /// <summary>Without the client identifier.</summary>
    public override string ToString() => $"AcmePayload {{ DirectoryUrl = {DirectoryUrl} }}";
}
