using System.Security.Cryptography;
using System.Security.Cryptography.Pkcs;
using System.Security.Cryptography.X509Certificates;
using FleetMdm.VirtualFleet.Plist;

namespace FleetMdm.VirtualFleet.Enrolment;

/// <summary>An iPad refused what it was given while it enrolled, or was refused itself.</summary>
public sealed class EnrolmentException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>
/// A configuration profile as iOS reads it: an XML property list, plain or inside a CMS signature that covers it.
/// <see href="https://developer.apple.com/documentation/devicemanagement/toplevel"/>
/// </summary>
public sealed class ConfigurationProfile
{
    /// <summary>Payload types whose content is one DER certificate.</summary>
    private static readonly HashSet<string> CertificateTypes =
        ["com.apple.security.root", "com.apple.security.pkcs1", "com.apple.security.pem"];

    private ConfigurationProfile(PlistDict content, X509Certificate2? signer, X509Certificate2Collection signerChain)
    {
        Content = content;
        Signer = signer;
        SignerChain = signerChain;
        Identifier = Required(content, "PayloadIdentifier");
        Uuid = Required(content, "PayloadUUID");
        DisplayName = content.Text("PayloadDisplayName");
        Payloads = [.. (content.Array("PayloadContent") ?? []).Select(item => item as PlistDict
            ?? throw new EnrolmentException($"The profile '{Identifier}' has a payload that is not a dictionary."))];
        CheckPayloads();
    }

    public PlistDict Content { get; }

    /// <summary>Who signed; null for a plain profile. Its signature holds, its chain is not yet checked.</summary>
    public X509Certificate2? Signer { get; }

    /// <summary>The certificates that came with the signature.</summary>
    public X509Certificate2Collection SignerChain { get; }

    /// <summary>Two profiles with the same one are the same profile: the later replaces the earlier.</summary>
    public string Identifier { get; }
    public string Uuid { get; }
    public string? DisplayName { get; }
    public IReadOnlyList<PlistDict> Payloads { get; }

    /// <exception cref="EnrolmentException">Not a profile, or its signature does not hold.</exception>
    public static ConfigurationProfile Read(byte[] bytes)
    {
        var (content, signer, chain) = Open(bytes);
        return new ConfigurationProfile(content, signer, chain);
    }

    /// <summary>The property list of a profile of any kind, and who signed it.</summary>
    /// <exception cref="EnrolmentException">Not a profile, or its signature does not hold.</exception>
    internal static (PlistDict Content, X509Certificate2? Signer, X509Certificate2Collection Chain) Open(byte[] bytes)
    {
        try
        {
            if (bytes is not [0x30, ..])
                return (PlistReader.ReadDict(bytes), null, []);
            var cms = new SignedCms();
            cms.Decode(bytes);
            if (cms.SignerInfos.Count != 1)
                throw new EnrolmentException($"The profile has {cms.SignerInfos.Count} signers where one is due.");
            cms.CheckSignature(verifySignatureOnly: true);
            var signer = cms.SignerInfos[0].Certificate
                ?? throw new EnrolmentException("The profile's signature does not carry its signer's certificate.");
            return (PlistReader.ReadDict(cms.ContentInfo.Content), signer, cms.Certificates);
        }
        catch (Exception e) when (e is PlistException or CryptographicException)
        {
            throw new EnrolmentException($"This is not a configuration profile: {e.Message}", e);
        }
    }

    /// <summary>The certificates that this profile installs.</summary>
    public List<X509Certificate2> Certificates() =>
    [
        .. Payloads.Where(payload => CertificateTypes.Contains(payload.Text("PayloadType") ?? ""))
            .Select(payload => ReadCertificate(payload.Data("PayloadContent")
                ?? throw new EnrolmentException("A certificate payload has no PayloadContent."))),
    ];

    /// <summary>The same profile with what its encrypted part held.</summary>
    internal ConfigurationProfile WithPayloads(List<object> payloads)
    {
        var content = new PlistDict();
        foreach (var (key, value) in Content)
            content[key] = value;
        content["PayloadContent"] = payloads;
        return new ConfigurationProfile(content, Signer, SignerChain);
    }

    private static X509Certificate2 ReadCertificate(byte[] content)
    {
        try
        {
            return content is [(byte)'-', ..]
                ? X509Certificate2.CreateFromPem(System.Text.Encoding.ASCII.GetString(content))
                : X509CertificateLoader.LoadCertificate(content);
        }
        catch (CryptographicException e)
        {
            throw new EnrolmentException($"A certificate payload holds no certificate: {e.Message}", e);
        }
    }

    /// <summary>The keys that every payload needs, and UUIDs that name one payload each.</summary>
    private void CheckPayloads()
    {
        if (Content.Text("PayloadType") != "Configuration")
            throw new EnrolmentException($"The profile '{Identifier}' has PayloadType '{Content.Text("PayloadType")}' instead of 'Configuration'.");
        if (Content.Integer("PayloadVersion") is null)
            throw new EnrolmentException($"The profile '{Identifier}' has no PayloadVersion.");
        var uuids = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var payload in Payloads)
        {
            var type = Required(payload, "PayloadType");
            Required(payload, "PayloadIdentifier");
            if (payload.Integer("PayloadVersion") is null)
                throw new EnrolmentException($"The payload {type} of '{Identifier}' has no PayloadVersion.");
            if (!uuids.Add(Required(payload, "PayloadUUID")))
                throw new EnrolmentException($"Two payloads of '{Identifier}' have the same PayloadUUID.");
        }
    }

    private static string Required(PlistDict payload, string key) =>
        payload.Text(key) is { Length: > 0 } text
            ? text
            : throw new EnrolmentException($"A {payload.Text("PayloadType") ?? "payload"} of the profile has no {key}.");
}
