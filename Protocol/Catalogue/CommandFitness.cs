using System.Collections.Frozen;
using System.Globalization;
using FleetMdm.Protocol.Mdm;
using FleetMdm.Protocol.Plist;
using FleetMdm.Protocol.Profiles;

namespace FleetMdm.Protocol.Catalogue;

/// <summary>What a command, or a key in it, asks of an iPad. Sent between nodes as a number: never renumber.</summary>
public enum RequirementKind : byte
{
    Supervision = 1,
    /// <summary>At least this iPadOS.</summary>
    Since = 2,
    /// <summary>Gone from this iPadOS on.</summary>
    Removed = 3,
    AutomatedEnrolment = 4,
    SharedIPad = 5,
    NotSharedIPad = 6,
    NotUserEnrolment = 7,
    /// <summary>For the iPad, not for one of its users.</summary>
    DeviceChannel = 8,
    /// <summary>On a Shared iPad: for one of its users, not for the iPad.</summary>
    UserChannel = 9,
    AccessRight = 10,
    LostMode = 11,
    /// <summary>A Shared iPad: at least this iPadOS.</summary>
    SharedSince = 12,
    /// <summary>The iPad has escrowed a bootstrap token.</summary>
    BootstrapToken = 13,
    /// <summary>The server has the iPad's code for Activation Lock.</summary>
    BypassCode = 14,
}

/// <summary>One thing that must be true of an iPad for a command to work on it.</summary>
/// <param name="What">What needs it: the command, or a key in it.</param>
/// <param name="Field">Where, as a JSON pointer; empty: the command itself.</param>
/// <param name="Text">The version, or the access right by Apple's name; null: none.</param>
public sealed record Requirement(RequirementKind Kind, string What, string Field, string? Text = null);

/// <summary>Which enrolment it is.</summary>
public enum KnownKind
{
    Device = 1,
    UserEnrolment = 2,
    /// <summary>The channel of a user of a Shared iPad.</summary>
    SharedUser = 3,
}

/// <summary>What is known of an iPad. Null: nobody knows.</summary>
public sealed record KnownDevice(KnownKind Kind)
{
    public string? OsVersion { get; init; }
    public bool? IsSupervised { get; init; }
    public bool? IsShared { get; init; }
    public bool? IsAutomated { get; init; }
    public bool? IsLost { get; init; }
    /// <summary>Those that its enrolment profile granted, as in <see cref="MdmAccessRights"/>.</summary>
    public int? AccessRights { get; init; }
}

/// <summary>A requirement that an iPad does not meet.</summary>
/// <param name="Code">A stable name of the kind.</param>
/// <param name="Reason">A sentence.</param>
public sealed record Misfit(string Code, string Field, string Reason);

/// <summary>What a profile asks of an iPad.</summary>
/// <param name="Payloads">Of whole payloads: an iPad that does not meet one refuses the profile.</param>
/// <param name="Keys">Of single keys, those together that ask for the same: an iPad that does not meet them ignores the keys.</param>
public sealed record ProfileNeeds(IReadOnlyList<Requirement> Payloads, IReadOnlyList<Requirement> Keys)
{
    public static ProfileNeeds None { get; } = new([], []);
}

/// <summary>Whether a command works on an iPad, as far as both are known. What is not known refuses nothing. Pure.</summary>
public static class CommandFitness
{
    /// <summary>A command with more is not sent by anybody; the answers to them fit into one number.</summary>
    public const int MostRequirements = 60;

    /// <summary>Longer lists of names are no help in a message.</summary>
    private const int MostNamed = 12;

    private static readonly FrozenDictionary<string, MdmAccessRights> Rights = new Dictionary<string, MdmAccessRights>(StringComparer.Ordinal)
    {
        ["AllowInspection"] = MdmAccessRights.InspectProfiles,
        ["AllowInstallationRemoval"] = MdmAccessRights.ChangeProfiles,
        ["AllowPasscodeRemovalAndLock"] = MdmAccessRights.LockAndPasscode,
        ["AllowDeviceErase"] = MdmAccessRights.Erase,
        ["AllowQueryDeviceInformation"] = MdmAccessRights.DeviceInformation,
        ["AllowQueryNetworkInformation"] = MdmAccessRights.NetworkInformation,
        ["AllowProvisioningInspection"] = MdmAccessRights.InspectProvisioningProfiles,
        ["AllowProvisioningInstallationRemoval"] = MdmAccessRights.ChangeProvisioningProfiles,
        ["AllowQueryApplications"] = MdmAccessRights.InspectApps,
        ["AllowQueryRestrictions"] = MdmAccessRights.RestrictionQueries,
        ["AllowQuerySecurity"] = MdmAccessRights.SecurityQueries,
        ["AllowSettings"] = MdmAccessRights.Settings,
        ["AllowAppInstallation"] = MdmAccessRights.ManageApps,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>The access rights by Apple's names.</summary>
    public static IReadOnlyList<string> RightNames { get; } = [.. Rights.OrderBy(right => right.Value).Select(right => right.Key)];

    /// <summary>The bit of an access right; null: there is no right of this name.</summary>
    public static MdmAccessRights? Right(string name) => Rights.TryGetValue(name, out var right) ? right : null;

    /// <summary>The bit of the access right that a requirement names; 0: it names none.</summary>
    public static int RightBit(string? name) => name is not null && Right(name) is { } right ? (int)right : 0;

    /// <summary>What a command and the keys that stand in it ask for. A key asks only for what the command does not ask for already.</summary>
    public static IReadOnlyList<Requirement> Of(PlistDictionary command, CatalogueType type) => Of(command, type, KeyNames.Apple, "");

    /// <summary>What the command itself asks for, whatever stands in it.</summary>
    public static IReadOnlyList<Requirement> Of(CatalogueType type) => Of([], type);

    internal static IReadOnlyList<Requirement> Of(PlistDictionary command, CatalogueType type, KeyNames names, string pointer)
    {
        var found = new List<Requirement>();
        Add(found, type.On, null, type.Name, "");
        if (CommandBehaviours.NeedsLostMode(type.Name))
            found.Add(new Requirement(RequirementKind.LostMode, type.Name, ""));
        Keys(found, command, type.Keys, type.On, names, pointer);
        return [.. found.DistinctBy(requirement => (requirement.Kind, requirement.What, requirement.Text)).Take(MostRequirements)];
    }

    /// <summary>What the installation of a profile asks for: what the command does, and what the profile's payloads do.</summary>
    public static IReadOnlyList<Requirement> OfInstallation(ProfileNeeds needs) => [.. Of(AppleCatalogue.Instance.Commands[ProfileCommand.Install]), .. needs.Payloads];

    /// <summary>What a profile asks for: with <see cref="ProfileNeeds.Payloads"/> unmet an iPad refuses the profile, with <see cref="ProfileNeeds.Keys"/> unmet it installs the
    /// profile and ignores the keys.</summary>
    /// <param name="field">Where the profile stands in a command.</param>
    public static ProfileNeeds OfProfile(PlistDictionary profile, string field = "")
    {
        var (payloads, keys) = (new List<Requirement>(), new List<Requirement>());
        foreach (var payload in (profile.GetArray("PayloadContent") ?? []).OfType<PlistDictionary>())
        {
            if (PayloadCheck.Best(payload).Type is not { } type)
                continue;
            Add(payloads, type.On, null, $"The payload {CatalogueTexts.English.Payload(type.Name).Label}", field);
            Keys(keys, payload, type.Keys, type.On, KeyNames.Apple, "");
        }

        return new ProfileNeeds(
            [.. payloads.DistinctBy(one => (one.Kind, one.What, one.Text)).Take(MostRequirements)],
            [.. keys.GroupBy(one => (one.Kind, one.Text)).Select(group => new Requirement(group.Key.Kind, Named([.. group.Select(one => one.What).Distinct()]), field, group.Key.Text)).Take(MostRequirements)]);
    }

    private static string Named(IReadOnlyList<string> keys) => keys.Count switch
    {
        1 => $"The key {keys[0]}",
        <= MostNamed => $"Each of the keys {string.Join(", ", keys)}",
        _ => $"Each of the keys {string.Join(", ", keys.Take(MostNamed))} and {keys.Count - MostNamed} more",
    };

    /// <summary>What this iPad does not meet; empty: nothing speaks against it.</summary>
    public static IReadOnlyList<Misfit> Misfits(IEnumerable<Requirement> requirements, KnownDevice known) =>
        [.. requirements.Where(requirement => IsUnmet(requirement, known)).Select(requirement => new Misfit(CodeOf(requirement.Kind), requirement.Field, Sentence(requirement, known)))];

    /// <summary>A stable name.</summary>
    public static string CodeOf(RequirementKind kind) => kind switch
    {
        RequirementKind.Supervision => "supervision",
        RequirementKind.Since => "ipados-too-old",
        RequirementKind.Removed => "ipados-too-new",
        RequirementKind.AutomatedEnrolment => "automated-enrolment",
        RequirementKind.SharedIPad => "shared-ipad-only",
        RequirementKind.NotSharedIPad => "not-on-shared-ipad",
        RequirementKind.NotUserEnrolment => "not-in-user-enrolment",
        RequirementKind.DeviceChannel => "device-channel-only",
        RequirementKind.UserChannel => "user-channel-only",
        RequirementKind.AccessRight => "access-right",
        RequirementKind.LostMode => "lost-mode-only",
        RequirementKind.SharedSince => "shared-ipad-too-old",
        RequirementKind.BootstrapToken => "no-bootstrap-token",
        RequirementKind.BypassCode => "no-bypass-code",
        _ => "other",
    };

    /// <summary>Why an iPad cannot, without naming the iPad.</summary>
    public static string Sentence(Requirement requirement) => requirement.Kind switch
    {
        RequirementKind.Supervision => $"{requirement.What} needs supervision.",
        RequirementKind.Since => $"{requirement.What} needs iPadOS {requirement.Text}.",
        RequirementKind.Removed => $"{requirement.What} was removed in iPadOS {requirement.Text}.",
        RequirementKind.AutomatedEnrolment => $"{requirement.What} needs Automated Device Enrolment.",
        RequirementKind.SharedIPad => $"{requirement.What} needs a Shared iPad.",
        RequirementKind.NotSharedIPad => $"{requirement.What} does not work on a Shared iPad.",
        RequirementKind.NotUserEnrolment => $"{requirement.What} does not work in a User Enrolment.",
        RequirementKind.DeviceChannel => $"{requirement.What} is for the iPad, not for one of its users.",
        RequirementKind.UserChannel => $"{requirement.What} is for a user of a Shared iPad, not for the iPad.",
        RequirementKind.AccessRight => $"{requirement.What} needs the access right {requirement.Text}, which the enrolment did not grant.",
        RequirementKind.LostMode => $"{requirement.What} works in lost mode only.",
        RequirementKind.SharedSince => $"{requirement.What} needs iPadOS {requirement.Text} on a Shared iPad.",
        RequirementKind.BootstrapToken => $"{requirement.What} needs a bootstrap token, which the iPad has not escrowed.",
        RequirementKind.BypassCode => $"{requirement.What} is locked for good when Activation Lock is on: the server has no code that lifts it.",
        _ => $"{requirement.What} does not fit.",
    };

    private static string Sentence(Requirement requirement, KnownDevice known) => requirement.Kind switch
    {
        RequirementKind.Supervision => $"{requirement.What} needs supervision, and this iPad is not supervised.",
        RequirementKind.Since => $"{requirement.What} needs iPadOS {requirement.Text}, and this iPad has {known.OsVersion}.",
        RequirementKind.Removed => $"{requirement.What} was removed in iPadOS {requirement.Text}, and this iPad has {known.OsVersion}.",
        RequirementKind.LostMode => $"{requirement.What} works in lost mode only, and this iPad is not in lost mode.",
        _ => Sentence(requirement),
    };

    private static bool IsUnmet(Requirement requirement, KnownDevice known) => requirement.Kind switch
    {
        RequirementKind.Supervision => known.IsSupervised == false,
        RequirementKind.Since => Compare(known.OsVersion, requirement.Text) < 0,
        RequirementKind.Removed => Compare(known.OsVersion, requirement.Text) >= 0,
        RequirementKind.AutomatedEnrolment => known.IsAutomated == false,
        RequirementKind.SharedIPad => known.Kind != KnownKind.SharedUser && known.IsShared == false,
        RequirementKind.NotSharedIPad => known.Kind == KnownKind.SharedUser || known.IsShared == true,
        RequirementKind.NotUserEnrolment => known.Kind == KnownKind.UserEnrolment,
        RequirementKind.DeviceChannel => known.Kind == KnownKind.SharedUser,
        RequirementKind.UserChannel => known.Kind != KnownKind.SharedUser && known.IsShared == true,
        RequirementKind.AccessRight => known.AccessRights is { } granted && Right(requirement.Text ?? "") is { } needed && ((MdmAccessRights)granted & needed) == 0,
        RequirementKind.LostMode => known.IsLost == false,
        RequirementKind.SharedSince => known.IsShared == true && Compare(known.OsVersion, requirement.Text) < 0,
        // Of a newer version.
        _ => false,
    };

    private static void Keys(List<Requirement> found, PlistDictionary dictionary, KeySet keys, Availability within, KeyNames names, string pointer)
    {
        foreach (var (name, value) in dictionary)
        {
            if (!keys.TryGet(name, out var key))
                continue;
            var at = $"{pointer}/{(names == KeyNames.Json ? key.JsonName : key.Name)}";
            Add(found, key.On, within, key.Name, at);
            Value(found, value, key, names, at);
        }
    }

    private static void Value(List<Requirement> found, PlistNode value, CatalogueKey key, KeyNames names, string pointer)
    {
        switch (value)
        {
            case PlistDictionary dictionary when key.Variants.Count > 0:
                if (dictionary.GetString(CatalogueKey.Discriminator) is { } item && key.Variants.TryGet(item, out var variant))
                {
                    Add(found, variant.On, key.On, variant.Name, pointer);
                    Keys(found, dictionary, variant.Keys, variant.On, names, pointer);
                }

                break;
            case PlistDictionary dictionary:
                Keys(found, dictionary, key.Keys, key.On, names, pointer);
                break;
            // What an iPad does not know of a list of queries it leaves out of its answer: Choices ask for nothing.
            case PlistArray list when key.Item is { } each:
                for (var i = 0; i < list.Count && found.Count < MostRequirements; i++)
                    Value(found, list[i], each, names, $"{pointer}/{i}");
                break;
        }
    }

    /// <summary>What something asks for beyond what it stands in.</summary>
    private static void Add(List<Requirement> found, Availability on, Availability? within, string what, string field)
    {
        if (on.Supervised && within?.Supervised != true)
            Need(RequirementKind.Supervision);
        if (on.Since is { } since && !(within?.Since is { } before && Compare(since, before) <= 0))
            Need(RequirementKind.Since, since);
        if (on.Removed is { } removed && on.Removed != within?.Removed)
            Need(RequirementKind.Removed, removed);
        if (on.AutomatedEnrolment && within?.AutomatedEnrolment != true)
            Need(RequirementKind.AutomatedEnrolment);
        if (on.SharedIPad == "required" && within?.SharedIPad != "required")
            Need(RequirementKind.SharedIPad);
        if (on.SharedIPad == "forbidden" && within?.SharedIPad != "forbidden")
            Need(RequirementKind.NotSharedIPad);
        if (on.UserEnrolment == "forbidden" && within?.UserEnrolment != "forbidden")
            Need(RequirementKind.NotUserEnrolment);
        if (on.Channels is ["device"] && within?.Channels is not ["device"])
            Need(RequirementKind.DeviceChannel);
        if (on.Channels is ["user"] && within?.Channels is not ["user"])
            Need(RequirementKind.UserChannel);
        if (on.AccessRight is { } right && right != within?.AccessRight && Rights.ContainsKey(right))
            Need(RequirementKind.AccessRight, right);

        void Need(RequirementKind kind, string? text = null) => found.Add(new Requirement(kind, what, field, text));
    }

    /// <summary>As people compare versions: 17.10 is more than 17.5. Null: one of them is no version.</summary>
    private static int? Compare(string? one, string? other)
    {
        if (Parts(one) is not { } left || Parts(other) is not { } right)
            return null;
        for (var i = 0; i < Math.Max(left.Length, right.Length); i++)
        {
            var difference = (i < left.Length ? left[i] : 0).CompareTo(i < right.Length ? right[i] : 0);
            if (difference != 0)
                return difference;
        }

        return 0;
    }

    private static int[]? Parts(string? version)
    {
        if (version is null)
            return null;
        var parts = version.Split('.');
        var numbers = new int[parts.Length];
        for (var i = 0; i < parts.Length; i++)
        {
            if (!int.TryParse(parts[i], NumberStyles.None, CultureInfo.InvariantCulture, out numbers[i]))
                return null;
        }

        return numbers;
    }
}
