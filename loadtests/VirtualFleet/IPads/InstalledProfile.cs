using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using FleetMdm.VirtualFleet.Enrolment;
using FleetMdm.VirtualFleet.Plist;

namespace FleetMdm.VirtualFleet.IPads;

/// <summary>A profile on an iPad.</summary>
/// <param name="Managed">It came by management. Otherwise a person installed it, or it came with an erase.</param>
/// <param name="Encrypted">It came encrypted for this iPad.</param>
internal sealed record InstalledProfile(ConfigurationProfile Profile, bool Managed, bool Encrypted = false)
{
    public IEnumerable<string> PayloadTypes => Profile.Payloads.Select(payload => payload.Text("PayloadType")!);

    public bool Has(string payloadType) => PayloadTypes.Contains(payloadType, StringComparer.Ordinal);

    public IEnumerable<PlistDict> Of(string payloadType) => Profile.Payloads.Where(payload => payload.Text("PayloadType") == payloadType);

    /// <summary>The certificates that it put on the iPad, identities among them.</summary>
    /// <exception cref="CryptographicException">A PKCS#12 that the password does not open.</exception>
    public IEnumerable<(X509Certificate2 Certificate, bool IsIdentity)> Certificates()
    {
        foreach (var certificate in Profile.Certificates())
            yield return (certificate, false);
        foreach (var payload in Of(PayloadRules.Pkcs12))
            yield return (X509CertificateLoader.LoadPkcs12(payload.Data("PayloadContent") ?? [], payload.Text("Password"), X509KeyStorageFlags.EphemeralKeySet), true);
    }

    /// <summary>As ProfileList tells it.</summary>
    public PlistDict Entry() => Entry(Profile.Content, Profile.Payloads, Managed, Encrypted, Profile.SignerChain, Has(PayloadRules.RemovalPassword));

    /// <summary>The management profile, of which only these parts are kept.</summary>
    public static PlistDict Entry(EnrolmentProfile profile) => Entry(
        new PlistDict
        {
            ["PayloadIdentifier"] = profile.Identifier,
            ["PayloadUUID"] = profile.Uuid,
            ["PayloadDisplayName"] = profile.DisplayName ?? "Management",
            ["PayloadVersion"] = 1L,
        }, profile.Payloads, managed: false, encrypted: false, profile.SignerChain, removalPasscode: false);

    private static PlistDict Entry(PlistDict content, IEnumerable<PlistDict> payloads, bool managed, bool encrypted, X509Certificate2Collection signers, bool removalPasscode)
    {
        var entry = Common(content);
        entry["PayloadRemovalDisallowed"] = content.Flag("PayloadRemovalDisallowed") ?? false;
        entry["HasRemovalPasscode"] = removalPasscode;
        entry["IsEncrypted"] = encrypted;
        entry["IsManaged"] = managed;
        entry["SignerCertificates"] = signers.Select(signer => (object)signer.RawData).ToList();
        entry["PayloadContent"] = payloads.Select(payload =>
        {
            var part = Common(payload);
            part["PayloadType"] = payload.Text("PayloadType")!;
            return (object)part;
        }).ToList();
        return entry;
    }

    /// <summary>What a profile and each of its payloads say of themselves.</summary>
    internal static PlistDict Common(PlistDict content)
    {
        var entry = new PlistDict();
        foreach (var key in (ReadOnlySpan<string>)["PayloadIdentifier", "PayloadUUID", "PayloadDisplayName", "PayloadDescription", "PayloadOrganization", "PayloadVersion"])
        {
            if (content.TryGetValue(key, out var value))
                entry[key] = value;
        }
        return entry;
    }
}
