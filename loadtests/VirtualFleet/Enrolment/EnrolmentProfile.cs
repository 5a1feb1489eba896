using System.Security.Cryptography.X509Certificates;
using FleetMdm.VirtualFleet.Plist;

namespace FleetMdm.VirtualFleet.Enrolment;

/// <summary>
/// An enrolment profile: one MDM payload and the SCEP or ACME payload that its identity comes from, with the rules that iOS holds it to.
/// <see href="https://developer.apple.com/documentation/devicemanagement/mdm"/>
/// </summary>
public sealed record EnrolmentProfile
{
    private const long InspectProfiles = 1, ChangeProfiles = 2, InspectProvisioning = 64, ChangeProvisioning = 128, AllRights = 8191;

    public required string Identifier { get; init; }
    public required string Uuid { get; init; }
    public required Uri ServerUrl { get; init; }
    public required Uri CheckInUrl { get; init; }
    public required string Topic { get; init; }
    public required bool SignMessage { get; init; }
    public required bool CheckOutWhenRemoved { get; init; }
    /// <summary>0 when the profile names none (account-driven enrolments).</summary>
    public required long AccessRights { get; init; }
    public required IReadOnlyList<string> ServerCapabilities { get; init; }
    /// <summary>The payload that the identity comes from, when it is SCEP's.</summary>
    public ScepPayload Scep
    {
        get => ByScep ?? throw new InvalidOperationException("The identity comes by ACME.");
        init => ByScep = value;
    }

    private ScepPayload? ByScep { get; init; }

    /// <summary>The same when it is ACME's; null: it is SCEP's.</summary>
    public AcmePayload? Acme { get; private init; }
    /// <summary>Roots in the profile: trusted for the connections to this server from now on.</summary>
    public required IReadOnlyList<X509Certificate2> Roots { get; init; }

    public string? DisplayName { get; init; }
    /// <summary>What its payloads say of themselves; nothing of their content.</summary>
    public IReadOnlyList<PlistDict> Payloads { get; init; } = [];
    /// <summary>Who signed it.</summary>
    public X509Certificate2Collection SignerChain { get; init; } = [];

    /// <exception cref="EnrolmentException">An iPad would not install it; the message says why.</exception>
    public static EnrolmentProfile Read(ConfigurationProfile profile)
    {
        var mdm = Single(profile, "com.apple.mdm");
        var identity = mdm.Text("IdentityCertificateUUID")
            ?? throw new EnrolmentException("The MDM payload has no IdentityCertificateUUID.");
        var source = profile.Payloads.FirstOrDefault(payload =>
                string.Equals(payload.Text("PayloadUUID"), identity, StringComparison.OrdinalIgnoreCase))
            ?? throw new EnrolmentException("IdentityCertificateUUID names no payload of this profile.");
        if (source.Text("PayloadType") is not ("com.apple.security.scep" or AcmePayload.PayloadType))
            throw new EnrolmentException($"The identity is a {source.Text("PayloadType")}; this iPad gets its identity by SCEP or ACME.");
        var byAcme = source.Text("PayloadType") == AcmePayload.PayloadType;
        var serverUrl = SecureUrl(mdm, "ServerURL") ?? throw new EnrolmentException("The MDM payload has no ServerURL.");
        var rights = mdm.Integer("AccessRights") ?? 0;
        CheckRights(mdm, rights);
        return new EnrolmentProfile
        {
            Identifier = profile.Identifier,
            Uuid = profile.Uuid,
            ServerUrl = serverUrl,
            CheckInUrl = SecureUrl(mdm, "CheckInURL") ?? serverUrl,
            Topic = mdm.Text("Topic") is { Length: > 0 } topic
                ? topic
                : throw new EnrolmentException("The MDM payload has no Topic."),
            SignMessage = mdm.Flag("SignMessage") ?? false,
            CheckOutWhenRemoved = mdm.Flag("CheckOutWhenRemoved") ?? false,
            AccessRights = rights,
            ServerCapabilities = [.. (mdm.Array("ServerCapabilities") ?? []).OfType<string>()],
            ByScep = byAcme ? null : ScepPayload.Read(source),
            Acme = byAcme ? AcmePayload.Read(source) : null,
            Roots = profile.Certificates(),
            DisplayName = profile.DisplayName,
            Payloads = [.. profile.Payloads.Select(Outline)],
            SignerChain = profile.SignerChain,
        };
    }

    /// <summary>Without what it holds.</summary>
    public override string ToString() => $"EnrolmentProfile {{ Uuid = {Uuid} }}";

    private static PlistDict Outline(PlistDict payload)
    {
        var outline = new PlistDict();
        foreach (var key in (ReadOnlySpan<string>)["PayloadType", "PayloadIdentifier", "PayloadUUID", "PayloadVersion", "PayloadDisplayName"])
        {
            if (payload.TryGetValue(key, out var value))
                outline[key] = value;
        }
        return outline;
    }

    private static PlistDict Single(ConfigurationProfile profile, string type)
    {
        var found = profile.Payloads.Where(payload => payload.Text("PayloadType") == type).ToList();
        return found.Count == 1
            ? found[0]
            : throw new EnrolmentException($"The profile has {found.Count} payloads of type {type} where one is due.");
    }

    private static void CheckRights(PlistDict mdm, long rights)
    {
        if (mdm.Text("EnrollmentMode") == "BYOD")
        {
            if (mdm.ContainsKey("AccessRights"))
                throw new EnrolmentException("AccessRights must be absent for EnrollmentMode BYOD.");
            return;
        }
        if (rights is <= 0 or > AllRights)
            throw new EnrolmentException($"AccessRights is {rights}; it must be between 1 and {AllRights}.");
        if ((rights & ChangeProfiles) != 0 && (rights & InspectProfiles) == 0)
            throw new EnrolmentException("AccessRights allows to change profiles but not to inspect them.");
        if ((rights & ChangeProvisioning) != 0 && (rights & InspectProvisioning) == 0)
            throw new EnrolmentException("AccessRights allows to change provisioning profiles but not to inspect them.");
    }

    private static Uri? SecureUrl(PlistDict mdm, string key)
    {
        if (mdm.Text(key) is not { } text)
            return null;
        if (!Uri.TryCreate(text, UriKind.Absolute, out var url) || url.Scheme != Uri.UriSchemeHttps)
            throw new EnrolmentException($"{key} of the MDM payload must be an https URL.");
        return url;
    }
}

/// <summary>How to get an identity certificate. <see href="https://developer.apple.com/documentation/devicemanagement/scep"/></summary>
public sealed record ScepPayload
{
    public required Uri Url { get; init; }
    public string? Name { get; init; }
    /// <summary>Pairs of an OID or short name and a value, one a relative distinguished name.</summary>
    public required IReadOnlyList<(string Type, string Value)> Subject { get; init; }
    public string? Challenge { get; init; }
    /// <summary>Bits; iOS' default is 1024.</summary>
    public required int KeySize { get; init; }
    /// <summary>1: signing, 4: encryption; 0: not said.</summary>
    public required long KeyUsage { get; init; }
    public byte[]? CaFingerprint { get; init; }

    public static ScepPayload Read(PlistDict payload)
    {
        var content = payload.Dict("PayloadContent") ?? throw new EnrolmentException("The SCEP payload has no PayloadContent.");
        if (!Uri.TryCreate(content.Text("URL"), UriKind.Absolute, out var url) || url.Scheme is not ("https" or "http"))
            throw new EnrolmentException("The SCEP payload has no URL.");
        if (content.Text("Key Type") is { } keyType && keyType != "RSA")
            throw new EnrolmentException($"The SCEP payload wants a key of type {keyType}; iOS makes RSA keys for SCEP.");
        return new ScepPayload
        {
            Url = url,
            Name = content.Text("Name"),
            Subject = [.. (content.Array("Subject") ?? []).SelectMany(Pairs)],
            Challenge = content.Text("Challenge"),
            KeySize = (int)(content.Integer("Keysize") ?? 1024),
            KeyUsage = content.Integer("Key Usage") ?? 0,
            CaFingerprint = content.Data("CAFingerprint"),
        };
    }

    /// <summary>The subject is an array of RDNs, each an array of [type, value] arrays.</summary>
    private static IEnumerable<(string, string)> Pairs(object rdn) =>
        (rdn as List<object> ?? throw new EnrolmentException("The SCEP payload's Subject is not an array of arrays."))
        .Select(pair => pair is List<object> and [string type, string value]
            ? (type, value)
            : throw new EnrolmentException("The SCEP payload's Subject has a part that is not a pair of strings."));
}
