using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using FleetMdm.Protocol.Catalogue;
using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Profiles;

/// <summary>What a profile is for.</summary>
public enum ProfileUse
{
    /// <summary>Kept here and installed on many iPads: what an iPad would refuse is refused, and UUIDs that are missing are made.</summary>
    Library = 0,
    /// <summary>Sent once by somebody who knows what it is: refused is what is no profile, or would end the enrolment. The rest is told.</summary>
    Command,
    /// <summary>As <see cref="Command"/>, for an iPad that has just been erased, which may be told how to enrol.</summary>
    AfterErase,
}

/// <summary>What an inspection goes by.</summary>
public sealed record ProfileRules
{
    public ProfileUse Use { get; init; }

    /// <summary>Null: dates are not looked at.</summary>
    public DateTimeOffset? Now { get; init; }

    /// <summary>False: PKCS #12 files are not opened, which takes the time of a password.</summary>
    public bool OpensIdentities { get; init; } = true;

    /// <summary>Certificates, DER: whoever is one of them, or was issued by one, is known as a signer.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> KnownIssuers { get; init; } = [];
}

/// <summary>A payload of a profile, for people.</summary>
/// <param name="Index">Its place in the profile, from 0.</param>
/// <param name="Label">Ours, as in <c>Wi-Fi</c>; Apple's name when the type is not known.</param>
/// <param name="Known">It is in the catalogue.</param>
/// <param name="NeedsSupervision">It does nothing on an iPad that is not supervised.</param>
/// <param name="Keys">Of its own, with Apple's names, as they stand there.</param>
public sealed record InspectedPayload(
    int Index, string Type, string Label, string? DisplayName, string? Identifier, string? Uuid, bool Known, bool NeedsSupervision, IReadOnlyList<string> Keys);

/// <summary>
/// What is in a configuration profile, and what is to be said about it: <see cref="OfFile"/> for a <c>.mobileconfig</c> that somebody hands in,
/// <see cref="OfProfile"/> for one that is built here. Pure functions; nothing is sent, stored or asked.
/// <see href="https://developer.apple.com/documentation/devicemanagement/toplevel"/>
/// </summary>
/// <remarks>
/// A file goes through these steps, and ends at the first that it fails:
/// 1. open it (<see cref="ProfileInspectionFile"/>); 2. make the UUIDs that are missing, unless it is signed; 3. look for what a profile cannot be without;
/// 4. the keys, by the catalogue; 5. what the catalogue cannot say: duplicates, references, certificates, dates, what shuts somebody out.
/// </remarks>
public sealed record ProfileInspection
{
    private const string Configuration = "Configuration";
    private const string ProfileServiceType = "Profile Service";
    private const string MdmPayload = "com.apple.mdm";

    /// <summary>A page shows them all; people have a dozen.</summary>
    internal const int MostPayloads = 250;

    /// <summary>Longer lists of names are no help in a message.</summary>
    private const int MostNamed = 12;

    /// <summary>Values of TargetDeviceType: any device, and iPhone with iPad.</summary>
    private static readonly long[] TargetsOfIPads = [0, 1];

    /// <summary>Profiles of this server that an iPad needs to stay with it.</summary>
    private static readonly string[] OwnIdentifiers = [EnrolmentProfile.TrustIdentifier, EnrolmentProfile.StepIdentifier, ProfileService.Identifier];

    /// <summary>Of the profile itself; its payloads are looked at one by one.</summary>
    private static readonly KeySet RootKeys = KeySet.Of(AppleCatalogue.Instance.Profile.Keys.Where(key => key.Name != "PayloadContent"), AppleCatalogue.Instance.Profile.Keys.Elsewhere);

    private ProfileInspection()
    {
    }

    /// <summary>As iPads take it: what was signed as it was signed; the rest as it came, or written anew when something was made. Empty: it is no profile.</summary>
    public byte[] Bytes { get; private init; } = [];

    /// <summary>What is in it, with what was made. Null: it is no profile.</summary>
    public PlistDictionary? Profile { get; private init; }

    /// <summary>Null: it is not signed.</summary>
    public ProfileSignature? Signature { get; private init; }

    /// <summary>The worst first.</summary>
    public IReadOnlyList<ProfileFinding> Findings { get; private init; } = [];

    public IReadOnlyList<InspectedPayload> Payloads { get; private init; } = [];

    /// <summary>It is not taken; <see cref="Findings"/> say why.</summary>
    public bool IsRefused => Findings.Any(finding => finding.Severity == ProfileSeverity.Refused);

    /// <summary>The profile's identity: a new one with the same identifier replaces it.</summary>
    public string? Identifier => Profile?.GetString("PayloadIdentifier");

    public string? Name => Profile?.GetString("PayloadDisplayName");

    public string? Description => Profile?.GetString("PayloadDescription");

    public string? Organization => Profile?.GetString("PayloadOrganization");

    public string? Uuid => Profile?.GetString("PayloadUUID");

    /// <summary>Nobody but a management server may remove it.</summary>
    public bool RemovalDisallowed => Profile?.GetBoolean("PayloadRemovalDisallowed") ?? false;

    /// <summary>A passcode is asked for before it is removed by hand.</summary>
    public bool HasRemovalPasscode => Profile?.GetBoolean("HasRemovalPasscode") ?? false;

    /// <summary>When the iPad removes it by itself.</summary>
    public DateTimeOffset? RemovalDate => Profile?.GetDate("RemovalDate");

    /// <summary>How long after it was installed the iPad removes it by itself.</summary>
    public double? SecondsUntilRemoval => Profile?.GetReal("DurationUntilRemoval");

    /// <summary>A payload of it does nothing on an iPad that is not supervised.</summary>
    public bool NeedsSupervision => Payloads.Any(payload => payload.NeedsSupervision);

    internal static string TooManyPayloads(int count) => $"There are {count} payloads; at most {MostPayloads} are taken.";

    /// <summary>Whether a property list is a profile, and so no command.</summary>
    public static bool IsProfile(PlistDictionary root) => root.GetString("PayloadType") == Configuration;

    /// <summary>A profile of this server that an iPad may need to reach it; the enrolment itself is not meant.</summary>
    public static bool IsOwn(string identifier) => OwnIdentifiers.Any(own => Same(identifier, own));

    /// <summary>A file that somebody hands in.</summary>
    public static ProfileInspection OfFile(byte[] file, ProfileRules rules)
    {
        var found = new ProfileFindings(rules.Use == ProfileUse.Library);
        ProfileInspectionFile opened;
        try
        {
            opened = ProfileInspectionFile.Open(file);
        }
        catch (ProfileFileException wrong)
        {
            found.Refuse(wrong.Code, "", wrong.Message);
            return new ProfileInspection { Findings = found.All };
        }

        var signature = opened.Cms is { } cms ? ProfileSignature.Of(cms, rules, found) : null;
        var root = opened.Root;
        var bytes = opened.Bytes;
        if (signature is null && rules.Use == ProfileUse.Library && Complete(root, found) is { } complete)
        {
            root = complete;
            bytes = PlistWriter.ToBytes(complete);
        }

        return Look(root, bytes, signature, rules, found);
    }

    /// <summary>A profile that is built here.</summary>
    public static ProfileInspection OfProfile(PlistDictionary profile, ProfileRules rules)
    {
        var found = new ProfileFindings(rules.Use == ProfileUse.Library);
        var root = Complete(profile, found) ?? profile;
        var bytes = PlistWriter.ToBytes(root);
        if (bytes.Length > ProfileInspectionFile.LongestProfile)
            found.Refuse(ProfileCodes.TooLarge, "", $"iPads get the profile as XML, where data is longer than in a binary file: {bytes.Length} bytes. At most {ProfileInspectionFile.LongestProfile} are taken.");
        return Look(root, bytes, null, rules, found);
    }

    private static ProfileInspection Look(PlistDictionary root, byte[] bytes, ProfileSignature? signature, ProfileRules rules, ProfileFindings found)
    {
        var payloads = new List<InspectedPayload>();
        if (CheckShape(root, rules, signature is not null, found))
        {
            CheckRoot(root, rules, signature is not null, found);
            foreach (var place in ProfileSecrets.Marks(root))
                found.Refuse(ProfileCodes.HiddenSecret, place, $"{place} has {SecretAnswers.Hidden}, which stands only where a secret is not shown. The iPad would take it for the secret. Write the secret itself.");
            var dictionaries = root.GetArray("PayloadContent")?.Cast<PlistDictionary>().ToList() ?? [];
            for (var index = 0; index < dictionaries.Count; index++)
                payloads.Add(LookAtPayload(dictionaries[index], index, signature is not null, found));
            ProfileInspectionPayloads.Check(dictionaries, rules, found);
        }

        return new ProfileInspection
        {
            Profile = root,
            Bytes = bytes,
            Signature = signature,
            Payloads = payloads,
            Findings = found.All,
        };
    }

    // Step 2.

    /// <summary>With the UUIDs and versions that were missing; null: none was. The same content gets the same UUIDs, so that handing it in again changes nothing.</summary>
    private static PlistDictionary? Complete(PlistDictionary root, ProfileFindings found)
    {
        var payloads = root.GetArray("PayloadContent");
        if (!IsProfile(root) || (!Lacks(root) && payloads?.OfType<PlistDictionary>().Any(Lacks) is not true))
            return null;
        var seed = SHA256.HashData(PlistWriter.ToBytes(root));
        var complete = Completed(root, "", seed, found);
        if (payloads is not null)
        {
            complete["PayloadContent"] = new PlistArray(payloads.Select((payload, index) =>
                payload is PlistDictionary dictionary ? Completed(dictionary, At(index) + ".", seed, found) : payload));
        }

        return complete;
    }

    private static bool Lacks(PlistDictionary payload) => !payload.ContainsKey("PayloadUUID") || !payload.ContainsKey("PayloadVersion");

    private static PlistDictionary Completed(PlistDictionary payload, string place, byte[] seed, ProfileFindings found)
    {
        var complete = new PlistDictionary();
        foreach (var (key, value) in payload)
            complete.Add(key, value);
        if (complete.TryAdd("PayloadVersion", 1))
            found.Note(ProfileCodes.VersionMade, place + "PayloadVersion", "PayloadVersion was missing. It is 1 now, the only value that there is.");
        if (!complete.ContainsKey("PayloadUUID"))
        {
            complete.Add("PayloadUUID", MakeUuid(seed, place));
            found.Note(ProfileCodes.UuidMade, place + "PayloadUUID", "PayloadUUID was missing. One was made.");
        }

        return complete;
    }

    /// <summary>Version 8 (RFC 9562, 5.8): from a hash.</summary>
    private static string MakeUuid(byte[] seed, string place)
    {
        var hash = SHA256.HashData([.. seed, .. Encoding.UTF8.GetBytes(place)]).AsSpan(0, 16);
        hash[6] = (byte)(hash[6] & 0x0F | 0x80);
        hash[8] = (byte)(hash[8] & 0x3F | 0x80);
        return Payload.Format(new Guid(hash, bigEndian: true));
    }

    // Step 3.

    /// <summary>False: it cannot be looked at further.</summary>
    private static bool CheckShape(PlistDictionary root, ProfileRules rules, bool signed, ProfileFindings found)
    {
        if (root.GetString("PayloadType") is not Configuration)
        {
            found.Refuse(ProfileCodes.NoProfile, "PayloadType", root.GetString("PayloadType") is ProfileServiceType
                ? "This is no configuration profile: it asks an iPad who it is (Profile Service). PayloadType must be Configuration."
                : "This is no configuration profile: PayloadType must be Configuration.");
            return false;
        }

        CheckCommonKeys(root, "", signed, found);
        if (root.GetBoolean("IsEncrypted") is true || root.ContainsKey("EncryptedPayloadContent"))
        {
            found.Object(ProfileCodes.Encrypted, "EncryptedPayloadContent",
                "The profile is encrypted for one iPad: no other can open it, and nobody here can see what is in it. Hand it in as it was before it was encrypted. On its way to iPads it is protected by TLS.");
        }

        if (root.TryGetValue("PayloadContent", out var content))
            CheckPayloads(content, rules, signed, found);
        else if (!root.ContainsKey("EncryptedPayloadContent"))
            found.Object(ProfileCodes.NoPayload, "PayloadContent", "PayloadContent is missing: there is nothing in the profile.");
        return content is null || content is PlistArray payloads && payloads.All(item => item is PlistDictionary);
    }

    private static void CheckPayloads(PlistNode content, ProfileRules rules, bool signed, ProfileFindings found)
    {
        if (content is not PlistArray payloads)
        {
            found.Refuse(ProfileCodes.NoProfile, "PayloadContent", $"PayloadContent must be an array of payloads, and is <{content.ElementName}>.");
            return;
        }

        if (payloads.Count == 0)
            found.Warn(ProfileCodes.NoPayload, "PayloadContent", "There is no payload in the profile: it does nothing.");
        if (payloads.Count > MostPayloads)
            found.Object(ProfileCodes.TooLarge, "PayloadContent", TooManyPayloads(payloads.Count));
        for (var index = 0; index < payloads.Count; index++)
        {
            var place = At(index);
            if (payloads[index] is not PlistDictionary payload)
            {
                found.Refuse(ProfileCodes.NoProfile, place, $"{place} must be a dictionary, and is <{payloads[index].ElementName}>.");
                continue;
            }

            CheckCommonKeys(payload, place + ".", signed, found);
            if (rules.Use != ProfileUse.AfterErase && Same(payload.GetString("PayloadType"), MdmPayload))
            {
                found.Refuse(ProfileCodes.EndsEnrolment, place + ".PayloadType",
                    $"{place} has the PayloadType {MdmPayload}: it would put the iPad under another management. iPads refuse a second one, and this server would lose them.");
            }
        }
    }

    private static void CheckCommonKeys(PlistDictionary payload, string place, bool signed, ProfileFindings found)
    {
        foreach (var key in (ReadOnlySpan<string>)["PayloadType", "PayloadIdentifier", "PayloadUUID"])
        {
            if (!payload.TryGetValue(key, out var node))
            {
                found.Refuse(ProfileCodes.MissingKey, place + key,
                    signed && key == "PayloadUUID" ? $"{place}{key} is missing. In a signed profile it cannot be filled in." : $"{place}{key} is missing.");
            }
            else if (node is not PlistString { Value: var text } || string.IsNullOrWhiteSpace(text))
            {
                found.Refuse(ProfileCodes.MissingKey, place + key, $"{place}{key} must be a text that is not empty.");
            }
        }

        if (!payload.TryGetValue("PayloadVersion", out var version))
            found.Refuse(ProfileCodes.MissingKey, place + "PayloadVersion", $"{place}PayloadVersion is missing.");
        else if (version is not PlistInteger)
            found.Refuse(ProfileCodes.MissingKey, place + "PayloadVersion", $"{place}PayloadVersion must be an integer, as 1.");
    }

    // Steps 4 and 5: the profile itself.

    private static void CheckRoot(PlistDictionary root, ProfileRules rules, bool signed, ProfileFindings found)
    {
        var check = new CatalogueCheck(KeyNames.Apple);
        check.Keys(root, RootKeys, "", "the profile", beside: "PayloadContent");
        Gather(check.Found, "", signed, found);
        var identifier = root.GetString("PayloadIdentifier")?.Trim();
        if (rules.Use != ProfileUse.AfterErase && Same(identifier, EnrolmentProfile.Identifier))
        {
            found.Refuse(ProfileCodes.EndsEnrolment, "PayloadIdentifier",
                $"PayloadIdentifier is {EnrolmentProfile.Identifier}, the iPad's enrolment with this server. The profile would replace it. Give it another PayloadIdentifier. To renew the iPad's certificate, send its enrolment profile in a property list that is marked raw.");
        }
        else if (OwnIdentifiers.FirstOrDefault(own => Same(identifier, own)) is { } own)
        {
            found.Object(ProfileCodes.ReservedIdentifier, "PayloadIdentifier",
                $"PayloadIdentifier is {own}, a profile of this server that an iPad may need to reach it. The profile would replace it. Give it another PayloadIdentifier.");
        }

        if (rules.Now is { } now)
        {
            if (root.GetDate("RemovalDate") is { } removal && removal <= now)
                found.Object(ProfileCodes.RemovalDatePast, "RemovalDate", string.Create(CultureInfo.InvariantCulture, $"The iPad would remove the profile at once: RemovalDate is {removal:yyyy-MM-dd HH:mm} UTC. Choose a later one, or leave it out."));
            if (root.GetDate("PayloadExpirationDate") is { } expiration && expiration <= now)
                found.Warn(ProfileCodes.Expired, "PayloadExpirationDate", string.Create(CultureInfo.InvariantCulture, $"The profile ended on {expiration:yyyy-MM-dd HH:mm} UTC, by its own word: iPads call it expired."));
        }

        if (root.GetReal("DurationUntilRemoval") is <= 0)
            found.Object(ProfileCodes.RemovalDatePast, "DurationUntilRemoval", "The iPad would remove the profile at once: DurationUntilRemoval is the number of seconds that it stays.");
        if (root.GetInteger("TargetDeviceType") is { } target && !TargetsOfIPads.Contains(target))
            found.Warn(ProfileCodes.OtherPlatform, "TargetDeviceType", "The profile is meant for another kind of device: for iPads, TargetDeviceType is 1, or left out.");
        if (root.GetBoolean("PayloadRemovalDisallowed") is true)
            found.Note(ProfileCodes.SupervisedOnly, "PayloadRemovalDisallowed", "Only a supervised iPad keeps somebody from removing a profile that was installed by hand. One that this server installs cannot be removed on the iPad anyway.");
    }

    // Step 4: a payload, by the catalogue.

    private static InspectedPayload LookAtPayload(PlistDictionary payload, int index, bool signed, ProfileFindings found)
    {
        var place = At(index);
        var type = payload.GetString("PayloadType") ?? "";
        var (known, findings) = PayloadCheck.Best(payload);
        if (known is null)
        {
            foreach (var warning in findings.Warnings)
            {
                found.Warn(
                    AppleCatalogue.Instance.PayloadsElsewhere.ContainsKey(type) ? ProfileCodes.OtherPlatform : ProfileCodes.UnknownPayload,
                    PayloadCheck.At(place, warning).Field, warning.Message);
            }
        }
        else
        {
            Gather(findings, place, signed, found);
            TellFacts(payload, known, place, found);
        }

        return new InspectedPayload(
            index, type, CatalogueTexts.English.Payload(type).Label, payload.GetString("PayloadDisplayName"), payload.GetString("PayloadIdentifier"), payload.GetString("PayloadUUID"),
            known is not null, known?.On.Supervised ?? false, [.. payload.Select(entry => entry.Key).Where(key => !AppleCatalogue.Instance.CommonKeys.TryGet(key, out _))]);
    }

    /// <param name="signed">What its signer decided is the iPad's business: it cannot be mended here.</param>
    private static void Gather(Findings findings, string place, bool signed, ProfileFindings found)
    {
        foreach (var problem in findings.Problems.Select(problem => PayloadCheck.At(place, problem)).Where(problem => !found.HasRefused(problem.Field)))
        {
            var code = problem.Message.EndsWith(" is missing.", StringComparison.Ordinal) ? ProfileCodes.MissingKey : ProfileCodes.InvalidKey;
            if (signed)
                found.Warn(code, problem.Field, problem.Message);
            else
                found.Object(code, problem.Field, problem.Message);
        }

        foreach (var warning in findings.Warnings.Select(warning => PayloadCheck.At(place, warning)))
            found.Warn(ProfileCodes.UnknownKey, warning.Field, warning.Message);
    }

    /// <summary>Supervision, and what Apple gave up.</summary>
    private static void TellFacts(PlistDictionary payload, CatalogueType type, string place, ProfileFindings found)
    {
        if (type.On.Supervised)
            found.Note(ProfileCodes.SupervisedOnly, place, "Only supervised iPads take this payload.");
        TellVersion(type.On, null, place, found);
        var supervised = new List<string>();
        Walk(payload, type.Keys, type.On, place, "", supervised, found);
        if (supervised.Count > 0)
        {
            var more = supervised.Count > MostNamed ? $" and {supervised.Count - MostNamed} more" : "";
            found.Note(ProfileCodes.SupervisedOnly, place, $"Only supervised iPads do what these keys say: {string.Join(", ", supervised.Take(MostNamed))}{more}.");
        }
    }

    private static void Walk(
        PlistDictionary dictionary, KeySet keys, Availability on, string place, string prefix, List<string> supervised, ProfileFindings found)
    {
        foreach (var (name, value) in dictionary)
        {
            if (!keys.TryGet(name, out var key))
                continue;
            if (key.On.Supervised && !on.Supervised)
                supervised.Add(prefix + name);
            if (key.On.Removed is not null || key.On.Deprecated is not null)
                TellVersion(key.On, on, $"{place}.{name}", found);
            if (value is PlistDictionary or PlistArray)
                Walk(value, key, $"{place}.{name}", prefix + name, supervised, found);
        }
    }

    private static void Walk(PlistNode value, CatalogueKey key, string place, string prefix, List<string> supervised, ProfileFindings found)
    {
        if (value is PlistDictionary dictionary && key.Keys.Count > 0)
        {
            Walk(dictionary, key.Keys, key.On, place, prefix + ".", supervised, found);
        }
        else if (value is PlistArray list && key.Item is { } item)
        {
            for (var index = 0; index < list.Count; index++)
                Walk(list[index], item, string.Create(CultureInfo.InvariantCulture, $"{place}[{index}]"), prefix, supervised, found);
        }
    }

    private static void TellVersion(Availability on, Availability? parent, string place, ProfileFindings found)
    {
        if (on.Removed is { } removed && removed != parent?.Removed)
            found.Note(ProfileCodes.Removed, place, $"iPadOS {removed} and later do not know this any more.");
        else if (on.Deprecated is { } deprecated && deprecated != parent?.Deprecated)
            found.Note(ProfileCodes.Deprecated, place, $"Apple gave this up with iPadOS {deprecated}. Later versions may ignore it.");
    }

    internal static string At(int index) => string.Create(CultureInfo.InvariantCulture, $"PayloadContent[{index}]");

    private static bool Same(string? one, string other) => one?.Trim().Equals(other, StringComparison.OrdinalIgnoreCase) is true;
}
