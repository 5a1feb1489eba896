using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using FleetMdm.Protocol.Catalogue;
using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Inventory;

/// <summary>
/// Reads what iPads answer to SecurityInfo, InstalledApplicationList and their like. What makes no sense is passed over, entry by entry and key by key.
/// Secrets are not read: a redemption code, whatever <see cref="SecretAnswers"/> knows.
/// <see href="https://developer.apple.com/documentation/devicemanagement/commands-and-queries"/>
/// </summary>
public static class InventoryReader
{
    /// <summary>Entries of one list. iPads with the most apps have some hundreds.</summary>
    public const int MostEntries = 1_000;

    /// <summary>Characters of one text; the rest is cut.</summary>
    public const int LongestText = 255;

    /// <summary>Of the payloads of a profile, of the values of a restriction.</summary>
    private const int MostInner = 50;

    /// <summary>Bytes of a certificate. Those with a picture in them have some ten thousand.</summary>
    private const int LongestCertificate = 64 * 1024;

    /// <summary>A report has passed the bounds of the server before; these are the widest of them.</summary>
    private static readonly PlistLimits Limits = PlistLimits.ForBytes(64 * 1024 * 1024);

    private static readonly string[] AppFlags =
    [
        "Installing", "AppStoreVendable", "DeviceBasedVPP", "BetaApp", "AdHocCodeSigned", "HasUpdateAvailable", "DownloadFailed", "DownloadWaiting",
        "DownloadPaused", "DownloadCancelled", "IsAppClip",
    ];

    private static readonly string[] ProfileTexts = ["PayloadUUID", "PayloadOrganization", "PayloadDescription", "Source"];

    private static readonly string[] ProfileFlags = ["PayloadRemovalDisallowed", "HasRemovalPasscode", "IsEncrypted", "IsManaged"];

    private static readonly string[] ManagedKeys = ["ManagementFlags", "HasConfiguration", "HasFeedback", "IsValidated", "ExternalVersionIdentifier"];

    private static readonly string[] UserKeys = ["IsLoggedIn", "HasDataToSync", "DataQuota", "DataUsed"];

    private static readonly string[] LocationKeys =
        ["Latitude", "Longitude", "HorizontalAccuracy", "VerticalAccuracy", "Altitude", "Speed", "Course", "Timestamp"];

    /// <summary>What the answer to this command tells; null: nothing that is kept.</summary>
    public static InventoryKind? KindOf(string requestType) => requestType switch
    {
        "InstalledApplicationList" => InventoryKind.Apps,
        "ManagedApplicationList" => InventoryKind.ManagedApps,
        "ProfileList" => InventoryKind.Profiles,
        "CertificateList" => InventoryKind.Certificates,
        "ProvisioningProfileList" => InventoryKind.ProvisioningProfiles,
        "SecurityInfo" => InventoryKind.Security,
        "Restrictions" => InventoryKind.Restrictions,
        "UserList" => InventoryKind.Users,
        "DeviceLocation" => InventoryKind.Location,
        _ => null,
    };

    /// <summary>Whether a command asks for all that there is. The answer to one that asks for a part says nothing of the rest.</summary>
    /// <param name="command">The Command dictionary.</param>
    public static bool AsksForAll(ReadOnlyMemory<byte> command) =>
        TolerantPlist.Read(command, Limits, static key => key is "Identifiers" or "ManagedAppsOnly" or "ManagedOnly" or "Items") is { } asked
        && !asked.Any(part => part.Value is not PlistBoolean { Value: false });

    /// <summary>What a report says; null: it has nothing that can be read.</summary>
    public static InventoryAnswer? Read(InventoryKind kind, ReadOnlyMemory<byte> report)
    {
        var roots = RootsOf(kind);
        if (TolerantPlist.Read(report, Limits, key => Array.IndexOf(roots, key) >= 0) is not { } answer)
            return null;
        return kind switch
        {
            InventoryKind.Apps => OfArray(answer, roots[0], App),
            InventoryKind.ManagedApps => ManagedApps(answer.GetDictionary(roots[0])),
            InventoryKind.Profiles => OfArray(answer, roots[0], Profile),
            InventoryKind.Certificates => OfArray(answer, roots[0], Certificate),
            InventoryKind.ProvisioningProfiles => OfArray(answer, roots[0], ProvisioningProfile),
            InventoryKind.Security => Security(answer.GetDictionary(roots[0])),
            InventoryKind.Restrictions => RestrictionEntries.Read(answer.GetDictionary(roots[0]), answer.GetDictionary(roots[1])),
            InventoryKind.Users => OfArray(answer, roots[0], User),
            _ => Location(answer),
        };
    }

    private static string[] RootsOf(InventoryKind kind) => kind switch
    {
        InventoryKind.Apps => ["InstalledApplicationList"],
        InventoryKind.ManagedApps => ["ManagedApplicationList"],
        InventoryKind.Profiles => ["ProfileList"],
        InventoryKind.Certificates => ["CertificateList"],
        InventoryKind.ProvisioningProfiles => ["ProvisioningProfileList"],
        InventoryKind.Security => ["SecurityInfo"],
        InventoryKind.Restrictions => ["GlobalRestrictions", "ProfileRestrictions"],
        InventoryKind.Users => ["Users"],
        _ => LocationKeys,
    };

    private static InventoryAnswer? OfArray(PlistDictionary answer, string root, Func<PlistDictionary, InventoryEntry?> read) =>
        answer.GetArray(root) is { } list ? Distinct(list.OfType<PlistDictionary>().Select(read)) : null;

    /// <summary>The first of those with one key, and no more than are kept.</summary>
    internal static InventoryAnswer Distinct(IEnumerable<InventoryEntry?> entries)
    {
        var kept = new List<InventoryEntry>();
        var keys = new HashSet<string>(StringComparer.Ordinal);
        foreach (var entry in entries)
        {
            if (entry is null || keys.Contains(entry.Key))
                continue;
            if (kept.Count == MostEntries)
                return new InventoryAnswer(kept, Cut: true);
            keys.Add(entry.Key);
            kept.Add(entry);
        }

        return new InventoryAnswer(kept, Cut: false);
    }

    private static InventoryEntry? App(PlistDictionary app)
    {
        if (Clean(app.GetString("Identifier")) is not { } identifier)
            return null;
        var (shown, build) = (Clean(app.GetString("ShortVersion")), Clean(app.GetString("Version")));
        var details = Object(json =>
        {
            Put(json, app, "Version", "BundleSize", "ExternalVersionIdentifier", "DistributorIdentifier", "Source", "IsValidated");
            PutIfTrue(json, app, AppFlags);
        });
        return new InventoryEntry(identifier, Clean(app.GetString("Name")), shown ?? build, null, details);
    }

    private static InventoryAnswer? ManagedApps(PlistDictionary? apps) => apps is null ? null : Distinct(apps.Select(pair =>
        Clean(pair.Key) is { } identifier && pair.Value is PlistDictionary app
            ? new InventoryEntry(identifier, null, Clean(app.GetString("Status")), null, Object(json => Put(json, app, ManagedKeys)))
            : null));

    private static InventoryEntry? Profile(PlistDictionary profile)
    {
        if (Clean(profile.GetString("PayloadIdentifier")) is not { } identifier)
            return null;
        var details = Object(json =>
        {
            Put(json, profile, ProfileTexts);
            PutIfTrue(json, profile, ProfileFlags);
            json.WriteStartArray("payloads");
            foreach (var payload in (profile.GetArray("PayloadContent") ?? []).OfType<PlistDictionary>().Take(MostInner))
            {
                json.WriteStartObject();
                Put(json, payload, "PayloadType", "PayloadIdentifier", "PayloadDisplayName");
                json.WriteEndObject();
            }

            json.WriteEndArray();
        });
        var version = profile.GetInteger("PayloadVersion")?.ToString(CultureInfo.InvariantCulture);
        return new InventoryEntry(identifier, Clean(profile.GetString("PayloadDisplayName")), version, null, details);
    }

    private static InventoryEntry? Certificate(PlistDictionary certificate)
    {
        var name = Clean(certificate.GetString("CommonName"));
        if (certificate.GetData("Data") is not { Length: > 0 and <= LongestCertificate } der)
            return name is null ? null : new InventoryEntry("name:" + Cut(name, LongestText - 5), name, null, null, Object(json => PutIfTrue(json, certificate, "IsIdentity")));
        var (expires, details) = (default(DateTimeOffset?), "{}");
        try
        {
            using var read = X509CertificateLoader.LoadCertificate(der);
            expires = new DateTimeOffset(read.NotAfter.ToUniversalTime());
            details = Object(json =>
            {
                PutIfTrue(json, certificate, "IsIdentity");
                json.WriteString("subject", Clean(read.Subject) ?? "");
                json.WriteString("issuer", Clean(read.Issuer) ?? "");
                json.WriteString("serialNumber", Clean(read.SerialNumber) ?? "");
                json.WriteString("notBefore", PlistScalars.FormatDate(new DateTimeOffset(read.NotBefore.ToUniversalTime())));
            });
        }
        catch (CryptographicException)
        {
            // The iPad has it, and nobody can read it.
            details = Object(json => PutIfTrue(json, certificate, "IsIdentity"));
        }

        return new InventoryEntry(Convert.ToHexStringLower(SHA256.HashData(der)), name, null, expires, details);
    }

    private static InventoryEntry? ProvisioningProfile(PlistDictionary profile) => Clean(profile.GetString("UUID")) is { } uuid
        ? new InventoryEntry(uuid, Clean(profile.GetString("Name")), null, Storable(profile.GetDate("ExpiryDate")), "{}")
        : null;

    private static InventoryEntry? User(PlistDictionary user) => Clean(user.GetString("UserName")) is { } name
        ? new InventoryEntry(name, Clean(user.GetString("FullName")), null, null, Object(json => Put(json, user, UserKeys)))
        : null;

    private static InventoryAnswer? Security(PlistDictionary? facts) =>
        facts is null ? null : Distinct(Facts((PlistDictionary)SecretAnswers.Hide(facts), ""));

    /// <summary>One entry for each value; what stands inside a dictionary has its name before it.</summary>
    private static IEnumerable<InventoryEntry?> Facts(PlistDictionary facts, string prefix)
    {
        foreach (var (key, value) in facts)
        {
            if (Clean(prefix + key) is not { } name)
                continue;
            if (value is PlistDictionary inner && prefix.Length == 0)
            {
                foreach (var fact in Facts(inner, name + "."))
                    yield return fact;
            }
            else if (Scalar(value) is { } text && text != SecretAnswers.Hidden)
            {
                yield return new InventoryEntry(name, null, text, null, "{}");
            }
        }
    }

    private static InventoryAnswer? Location(PlistDictionary answer)
    {
        if (answer.GetReal("Latitude") is not (>= -90 and <= 90) || answer.GetReal("Longitude") is not (>= -180 and <= 180))
            return null;
        return new InventoryAnswer([new InventoryEntry("location", null, null, null, Object(json => Put(json, answer, LocationKeys)))], Cut: false);
    }

    // ---- texts and values that both databases can store, and people can read ----

    /// <summary>Without control characters and halves of pairs; null when nothing is left.</summary>
    internal static string? Clean(string? text)
    {
        if (text is null)
            return null;
        var clean = text;
        if (text.Any(character => char.IsControl(character) || char.IsSurrogate(character)))
        {
            var builder = new StringBuilder(text.Length);
            foreach (var rune in text.EnumerateRunes())
            {
                if (!Rune.IsControl(rune))
                    builder.Append(rune.ToString());
            }

            clean = builder.ToString();
        }

        clean = Cut(clean.Trim(), LongestText);
        return clean.Length == 0 ? null : clean;
    }

    private static string Cut(string text, int longest) => PlistText.Cut(text, longest);

    /// <summary>A year that no database refuses.</summary>
    private static DateTimeOffset? Storable(DateTimeOffset? time) => time is { Year: > 1900 and < 9000 } ? time : null;

    /// <summary>As a text; null for what is no single value.</summary>
    internal static string? Scalar(PlistNode value) => value switch
    {
        PlistString text => Clean(text.Value),
        PlistBoolean flag => flag.Value ? "true" : "false",
        PlistInteger integer => integer.Value.ToString(CultureInfo.InvariantCulture),
        PlistReal real when double.IsFinite(real.Value) => real.Value.ToString("R", CultureInfo.InvariantCulture),
        PlistDate date => PlistScalars.FormatDate(date.Value),
        _ => null,
    };

    internal static string Object(Action<Utf8JsonWriter> write)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length);
    }

    internal static void PutTexts(Utf8JsonWriter json, string name, IEnumerable<string?> texts)
    {
        json.WriteStartArray(name);
        foreach (var text in texts.OfType<string>().Take(MostInner))
            json.WriteStringValue(text);
        json.WriteEndArray();
    }

    private static void Put(Utf8JsonWriter json, PlistDictionary from, params ReadOnlySpan<string> keys)
    {
        foreach (var key in keys)
        {
            if (from.TryGetValue(key, out var value))
                Put(json, JsonNamingPolicy.CamelCase.ConvertName(key), value);
        }
    }

    private static void Put(Utf8JsonWriter json, string name, PlistNode value)
    {
        switch (value)
        {
            case PlistBoolean flag:
                json.WriteBoolean(name, flag.Value);
                break;
            case PlistInteger integer when integer.Value <= long.MaxValue:
                json.WriteNumber(name, (long)integer.Value);
                break;
            case PlistReal real when double.IsFinite(real.Value):
                json.WriteNumber(name, real.Value);
                break;
            default:
                if (Scalar(value) is { } text)
                    json.WriteString(name, text);
                break;
        }
    }

    private static void PutIfTrue(Utf8JsonWriter json, PlistDictionary from, params ReadOnlySpan<string> keys)
    {
        foreach (var key in keys)
        {
            if (from.GetBoolean(key) == true)
                json.WriteBoolean(JsonNamingPolicy.CamelCase.ConvertName(key), true);
        }
    }
}
