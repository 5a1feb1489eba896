using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Profiles;

/// <summary>A profile cannot be kept in the library.</summary>
/// <param name="problems">Each with its place, as in <c>PayloadContent[0].SSID_STR</c>; at least one.</param>
/// <param name="endsEnrolment">It is about management itself.</param>
public sealed class LibraryProfileException(IReadOnlyList<ProfileFinding> problems, bool endsEnrolment = false) : FormatException(problems[0].Message)
{
    public IReadOnlyList<ProfileFinding> Problems { get; } = problems;

    public bool EndsEnrolment { get; } = endsEnrolment;
}

/// <summary>A payload of a profile, without its settings.</summary>
public sealed record LibraryPayload(string Type, string Identifier, string Uuid, string? Name);

/// <summary>
/// A profile as the library keeps it: checked, complete, and with a PayloadUUID that is another for each version, so that an iPad's list of profiles tells which
/// version it has. One that comes signed is kept byte for byte.
/// </summary>
public sealed record LibraryProfile
{
    /// <summary>Characters of a PayloadIdentifier: what the inventory keeps.</summary>
    public const int LongestIdentifier = 255;

    /// <summary>Characters of the name that people see.</summary>
    public const int LongestName = 200;

    /// <summary>A code beside <see cref="ProfileCodes"/>: a variable that nobody knows, or that stands where none can.</summary>
    public const string UnknownVariable = "unknownVariable";

    /// <summary>A code beside <see cref="ProfileCodes"/>: a variable in a signed profile.</summary>
    public const string UnfilledVariable = "unfilledVariable";

    /// <summary>Containers inside containers. Apple's payloads have ten at most; JSON, in which profiles are shown, ends at 32.</summary>
    private const int MostDepth = 24;

    /// <summary>Characters of the name of a key: what JSON takes here.</summary>
    private const int LongestKey = 255;

    private const string Content = "PayloadContent";
    private const string Uuid_ = "PayloadUUID";
    private const string Identifier_ = "PayloadIdentifier";

    /// <summary>As iPads take it; XML that is not signed by this server yet, or signed as it came.</summary>
    public required byte[] Bytes { get; init; }

    public required PlistDictionary Root { get; init; }

    /// <summary>It came signed.</summary>
    public required bool Signed { get; init; }

    /// <summary>What is odd in it and was taken all the same, and what is good to know; the worst first.</summary>
    public IReadOnlyList<ProfileFinding> Warnings { get; init; } = [];

    public string Identifier => Root.GetString(Identifier_)!;

    public string Name => Root.GetString("PayloadDisplayName") is { Length: > 0 } name && !string.IsNullOrWhiteSpace(name) ? PlistText.Cut(name, LongestName) : Identifier;

    public string? Description => Root.GetString("PayloadDescription") is { Length: > 0 } text ? PlistText.Cut(text, 1000) : null;

    /// <summary>In upper case.</summary>
    public string Uuid => Root.GetString(Uuid_)!.ToUpperInvariant();

    public bool HasSecrets => ProfileSecrets.Has(Root);

    /// <summary>Of a signed one none: they would be sent as they stand there.</summary>
    public IReadOnlyList<string> Variables => Signed ? [] : ProfileVariables.In(Root);

    public IReadOnlyList<LibraryPayload> Payloads =>
    [
        .. (Root.GetArray(Content) ?? []).OfType<PlistDictionary>().Select(payload => new LibraryPayload(
            payload.GetString("PayloadType") ?? "", payload.GetString(Identifier_) ?? "", payload.GetString(Uuid_) ?? "", payload.GetString("PayloadDisplayName"))),
    ];

    /// <summary>A <c>.mobileconfig</c> file: XML, binary or UTF-16, plain or signed, as DER, PEM or S/MIME.</summary>
    /// <param name="uuid">For the PayloadUUID, unless it is signed.</param>
    /// <param name="rules">What it is inspected by.</param>
    /// <exception cref="LibraryProfileException"/>
    public static LibraryProfile OfFile(byte[] file, string uuid, ProfileRules rules)
    {
        ProfileInspectionFile opened;
        try
        {
            opened = ProfileInspectionFile.Open(file);
        }
        catch (ProfileFileException e)
        {
            throw Refused("", e.Message, e.Code);
        }

        return opened.Cms is null ? OfUnsigned(opened.Root, uuid, rules, Made(opened.Root)) : Check(ProfileInspection.OfFile(file, rules));
    }

    /// <summary>One that is built here. What a profile must have beside its settings is made where it is missing.</summary>
    /// <param name="root">Its payloads stand in PayloadContent.</param>
    /// <param name="uuid">For the PayloadUUID.</param>
    /// <param name="rules">What it is inspected by.</param>
    /// <exception cref="LibraryProfileException"/>
    public static LibraryProfile OfBuilt(PlistDictionary root, string uuid, ProfileRules rules) => OfUnsigned(root, uuid, rules, []);

    private static LibraryProfile OfUnsigned(PlistDictionary root, string uuid, ProfileRules rules, IReadOnlyList<ProfileFinding> made)
    {
        // First: what is made for each payload must differ from what was made for those before it.
        if (root.GetArray(Content) is { Count: > ProfileInspection.MostPayloads } payloads)
            throw Refused(Content, ProfileInspection.TooManyPayloads(payloads.Count), ProfileCodes.TooLarge);
        try
        {
            return Check(ProfileInspection.OfProfile(Complete(root, uuid), rules), made);
        }
        catch (PlistFormatException e)
        {
            throw Refused("", e.Message, ProfileCodes.Unreadable);
        }
    }

    /// <summary>What an iPad's list of profiles tells a version by: the same whenever it is asked for.</summary>
    public static string UuidOf(string profileId, int version) => Made(string.Create(CultureInfo.InvariantCulture, $"{profileId}/{version}"));

    /// <summary>What the library kept. It was checked before.</summary>
    public static LibraryProfile Stored(byte[] bytes)
    {
        var opened = ProfileInspectionFile.Open(bytes);
        return new LibraryProfile { Root = opened.Root, Bytes = bytes, Signed = opened.Cms is not null };
    }

    /// <summary>It says the same; the PayloadUUID, which is another in each version, does not count.</summary>
    public bool IsSameAs(LibraryProfile other) =>
        Signed == other.Signed && (Signed ? Bytes.AsSpan().SequenceEqual(other.Bytes) : ProfileComparison.Of(other.Root, Root).Count == 0);

    /// <summary>What is missing in a file and will be made. Of what is built here it is not told: there it is the rule.</summary>
    private static List<ProfileFinding> Made(PlistDictionary root)
    {
        var made = new List<ProfileFinding>();
        Tell(root, "");
        var payloads = root.GetArray(Content) ?? [];
        for (var index = 0; index < payloads.Count; index++)
        {
            if (payloads[index] is PlistDictionary payload) Tell(payload, ProfileInspection.At(index) + ".");
        }

        return made;

        void Tell(PlistDictionary dictionary, string place)
        {
            if (!dictionary.ContainsKey("PayloadVersion"))
                made.Add(new ProfileFinding(ProfileSeverity.Note, ProfileCodes.VersionMade, place + "PayloadVersion", "PayloadVersion was missing. It is 1 now, the only value that there is."));
            if (!dictionary.ContainsKey(Uuid_))
                made.Add(new ProfileFinding(ProfileSeverity.Note, ProfileCodes.UuidMade, place + Uuid_, "PayloadUUID was missing. One was made."));
        }
    }

    private static LibraryProfile Check(ProfileInspection inspection, IReadOnlyList<ProfileFinding>? made = null)
    {
        if (inspection.Profile is not { } root || inspection.Findings is [{ Severity: ProfileSeverity.Refused, Code: ProfileCodes.EndsEnrolment }, ..])
            throw new LibraryProfileException([inspection.Findings[0]], inspection.Profile is not null);
        var problems = inspection.Findings.Where(finding => finding.Severity == ProfileSeverity.Refused).ToList();
        var warnings = inspection.Findings.Where(finding => finding.Severity == ProfileSeverity.Warning).ToList();
        if (root.GetString(Identifier_) is { } identifier && (identifier.Length > LongestIdentifier || identifier.Any(char.IsControl) || identifier.Trim() != identifier))
            problems.Add(new ProfileFinding(ProfileSeverity.Refused, ProfileCodes.InvalidKey, Identifier_, $"It must have 1 to {LongestIdentifier} characters, and no blank at its ends."));
        if (DepthOf(root) > MostDepth)
            throw Refused("", $"It is nested too deeply: more than {MostDepth} lists and dictionaries inside each other.", ProfileCodes.TooLarge);
        if (WrongNameIn(root, "") is { } place)
            throw Refused(place, $"Here a key has a name that is empty, longer than {LongestKey} characters, or has control characters: it could be neither shown nor changed.", ProfileCodes.InvalidKey);
        var signed = inspection.Signature is not null;
        if (signed && ProfileVariables.In(root) is [var first, ..])
            warnings.Add(new ProfileFinding(ProfileSeverity.Warning, UnfilledVariable, "", $"The profile is signed, so it is sent as it is: {{{{{first}}}}} stands on each iPad as these letters. To have it filled in, hand the profile in without its signature."));
        if (!signed)
            problems.AddRange(ProfileVariables.FaultsOf(root).Select(fault => new ProfileFinding(ProfileSeverity.Refused, UnknownVariable, fault.Path, fault.Message)));
        if (problems.Count > 0)
            throw new LibraryProfileException([.. problems.Take(50)]);
        return new LibraryProfile { Root = root, Bytes = inspection.Bytes, Signed = signed, Warnings = [.. warnings.Concat(made ?? []).Concat(inspection.Findings.Where(finding => finding.Severity == ProfileSeverity.Note)).Take(50)] };
    }

    private static int DepthOf(PlistNode node) => node switch
    {
        PlistArray array => 1 + array.Select(DepthOf).DefaultIfEmpty().Max(),
        PlistDictionary dictionary => 1 + dictionary.Select(entry => DepthOf(entry.Value)).DefaultIfEmpty().Max(),
        _ => 0,
    };

    /// <summary>Where a key has a name that JSON, in which profiles are shown and changed, does not take; null: nowhere.</summary>
    private static string? WrongNameIn(PlistNode node, string place)
    {
        switch (node)
        {
            case PlistArray array:
                for (var index = 0; index < array.Count; index++)
                {
                    if (WrongNameIn(array[index], string.Create(CultureInfo.InvariantCulture, $"{place}[{index}]")) is { } found) return found;
                }

                return null;
            case PlistDictionary dictionary:
                foreach (var (name, value) in dictionary)
                {
                    if (name.Length is 0 or > LongestKey || name.Any(char.IsControl)) return place;
                    if (WrongNameIn(value, place.Length > 0 ? $"{place}.{name}" : name) is { } found) return found;
                }

                return null;
            default:
                return null;
        }
    }

    private static PlistDictionary Complete(PlistDictionary given, string uuid)
    {
        var root = new PlistDictionary { ["PayloadType"] = "Configuration", ["PayloadVersion"] = 1 };
        foreach (var (key, value) in given)
            root[key] = value;
        root[Uuid_] = uuid;
        if (!root.ContainsKey(Identifier_))
            root[Identifier_] = $"com.fleetmdm.profile.{uuid.ToLowerInvariant()}";
        if (root.GetString(Identifier_) is not { } identifier || root.GetArray(Content) is not { } payloads)
            return root;

        var taken = payloads.OfType<PlistDictionary>().Select(payload => payload.GetString(Identifier_)).OfType<string>().ToHashSet(StringComparer.Ordinal);
        var complete = new PlistArray();
        foreach (var node in payloads)
            complete.Add(node is PlistDictionary payload ? Complete(payload, identifier, taken) : node);
        root[Content] = complete;
        return root;
    }

    private static PlistDictionary Complete(PlistDictionary given, string identifier, HashSet<string> taken)
    {
        var payload = new PlistDictionary();
        foreach (var (key, value) in given)
            payload[key] = value;
        payload.TryAdd("PayloadVersion", 1);
        if (!payload.ContainsKey(Identifier_))
        {
            var type = payload.GetString("PayloadType") ?? "payload";
            var number = 1;
            string own;
            do
                own = string.Create(CultureInfo.InvariantCulture, $"{identifier}.{type[(type.LastIndexOf('.') + 1)..]}.{number++}");
            while (!taken.Add(own));
            payload[Identifier_] = own;
        }

        if (!payload.ContainsKey(Uuid_))
            payload[Uuid_] = Made($"{identifier}/{payload.GetString(Identifier_)}");
        return payload;
    }

    /// <summary>A UUID of version 8 (RFC 9562).</summary>
    private static string Made(string text)
    {
        var bytes = SHA256.HashData(Encoding.UTF8.GetBytes($"fleetmdm/profile/{text}"))[..16];
        bytes[6] = (byte)(0x80 | (bytes[6] & 0x0f));
        bytes[8] = (byte)(0x80 | (bytes[8] & 0x3f));
        return Payload.Format(new Guid(bytes, bigEndian: true));
    }

    private static LibraryProfileException Refused(string path, string message, string code) => new([new ProfileFinding(ProfileSeverity.Refused, code, path, message)]);
}
