using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using FleetMdm.VirtualFleet.Plist;

namespace FleetMdm.VirtualFleet.IPads;

/// <summary>
/// What an iPad asks of the payload of Apple's Classroom: the keys of Apple's schema, and certificates by which it can find and be found by others.
/// <see href="https://developer.apple.com/documentation/devicemanagement/educationconfiguration"/>
/// </summary>
internal static class EducationRules
{
    public const string PayloadType = "com.apple.education";

    private const string Server = "1.3.6.1.5.5.7.3.1", Client = "1.3.6.1.5.5.7.3.2";

    /// <summary>A sentence on what is wrong; null: nothing.</summary>
    public static string? Fault(PlistDict payload, InstalledProfile profile)
    {
        foreach (var key in (ReadOnlySpan<string>)["OrganizationUUID", "OrganizationName", "UserIdentifier", "PayloadCertificateUUID"])
        {
            if (payload.Text(key) is not { Length: > 0 }) return $"The education payload lacks {key}.";
        }

        if (!Guid.TryParse(payload.Text("OrganizationUUID"), out _)) return "OrganizationUUID is no UUID.";
        if (payload.Array("Groups") is not { } groups || payload.Array("Users") is not { } users) return "The education payload lacks Groups or Users.";
        var known = users.OfType<PlistDict>().Select(user => user.Text("Identifier")).ToHashSet(StringComparer.Ordinal);
        if (known.Count != users.Count || known.Contains(null)) return "Users holds somebody twice, or without an Identifier.";
        if (users.OfType<PlistDict>().Any(user => user.Text("Name") is not { Length: > 0 })) return "Somebody of Users has no Name.";
        var user = payload.Text("UserIdentifier")!;
        if (!known.Contains(user)) return "Users lacks the person of this iPad.";
        if (FaultOfGroups(groups, known) is { } wrong) return wrong;
        try
        {
            return FaultOfCertificates(payload, profile, groups.OfType<PlistDict>().Any(group => Ids(group, "LeaderIdentifiers").Contains(user)));
        }
        catch (CryptographicException e)
        {
            return $"A certificate of the education payload cannot be read: {e.Message}";
        }
    }

    private static string? FaultOfGroups(List<object> groups, HashSet<string?> known)
    {
        var beacons = new HashSet<long>();
        foreach (var group in groups.OfType<PlistDict>())
        {
            if (group.GetValueOrDefault("BeaconID") is not long and not int) return "A group has no BeaconID.";
            var beacon = Convert.ToInt64(group["BeaconID"], System.Globalization.CultureInfo.InvariantCulture);
            if (beacon is < 1 or > ushort.MaxValue || !beacons.Add(beacon)) return $"The BeaconID {beacon} is out of range, or stands twice.";
            if (group.Text("Name") is not { Length: > 0 }) return "A group has no Name.";
            if (group.Array("MemberIdentifiers") is null) return "A group has no MemberIdentifiers.";
            if (Ids(group, "MemberIdentifiers").Concat(Ids(group, "LeaderIdentifiers")).FirstOrDefault(id => !known.Contains(id)) is { } stranger) return $"Users lacks {stranger}, whom a group names.";
        }

        return null;
    }

    private static string? FaultOfCertificates(PlistDict payload, InstalledProfile profile, bool isLeader)
    {
        var own = isLeader ? "leader" : "member";
        var anchors = new X509Certificate2Collection();
        foreach (var (key, whose) in new[] { ("LeaderPayloadCertificateAnchorUUID", "leader"), ("MemberPayloadCertificateAnchorUUID", "member") })
        {
            var uuids = payload.Array(key)?.OfType<string>().ToList() ?? [];
            // Apple has a teacher's iPad ignore them; without those of the others nobody is believed.
            if (uuids.Count == 0) return $"{key} is empty.";
            foreach (var uuid in uuids)
            {
                if (Referred(profile, uuid) is not { } anchor || anchor.Text("PayloadType") == PayloadRules.Pkcs12) return $"{key} names no certificate payload of this profile.";
                if (whose == own) anchors.Add(X509CertificateLoader.LoadCertificate(anchor.Data("PayloadContent") ?? []));
            }
        }

        if (Referred(profile, payload.Text("PayloadCertificateUUID")!) is not { } identity || identity.Text("PayloadType") != PayloadRules.Pkcs12)
            return "PayloadCertificateUUID names no identity of this profile.";
        using var certificate = X509CertificateLoader.LoadPkcs12(identity.Data("PayloadContent") ?? [], identity.Text("Password"), X509KeyStorageFlags.EphemeralKeySet);
        if (!certificate.HasPrivateKey) return "The identity has no private key.";
        if (!certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false).StartsWith(own, StringComparison.OrdinalIgnoreCase)) return $"The common name of the identity does not begin with {own}.";
        var usages = certificate.Extensions.OfType<X509EnhancedKeyUsageExtension>().SelectMany(one => one.EnhancedKeyUsages.Cast<Oid>()).Select(one => one.Value).ToList();
        if (!usages.Contains(Server) || !usages.Contains(Client)) return "The identity is not for both sides of TLS.";
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(anchors);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.VerificationTime = certificate.NotBefore.AddHours(1);
        return chain.Build(certificate) ? null : $"The issuer of the identity is not among the {own} anchors.";
    }

    private static PlistDict? Referred(InstalledProfile profile, string uuid) =>
        profile.Profile.Payloads.FirstOrDefault(payload => string.Equals(payload.Text("PayloadUUID"), uuid, StringComparison.OrdinalIgnoreCase));

    private static IEnumerable<string> Ids(PlistDict group, string key) => group.Array(key)?.OfType<string>() ?? [];
}
