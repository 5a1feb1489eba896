using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.SharedIPads;

/// <summary>What is wrong with a configuration of Shared iPads.</summary>
/// <param name="Field">A member of <see cref="SharedIPadConfiguration"/>, as REST spells it.</param>
/// <param name="Words">A sentence: what would be right.</param>
public sealed record SharedIPadFault(string Field, string Words);

/// <summary>How Shared iPads work: the item SharedDeviceConfiguration of the command Settings, by Apple's names. Null: the iPad stays as it is.</summary>
/// <remarks><see href="https://developer.apple.com/documentation/devicemanagement/settings-command"/></remarks>
public sealed record SharedIPadConfiguration
{
    public const string Item = "SharedDeviceConfiguration";

    /// <summary>The most that an iPad keeps since iPadOS 13.4; more than it has room for is cut by the iPad.</summary>
    public const int MostResidentUsers = 32;

    public const int MostDomains = 20;

    /// <summary>Of a session without anybody at it.</summary>
    public const int ShortestTimeout = 30;

    public const int ShortestAutoLock = 120;

    /// <summary>Apple names no longest: a day and 2 TB, beyond which a number is a slip.</summary>
    public const int LongestTimeout = 86_400, LargestQuota = 2_000_000, LongestGraceDays = 365;

    private const int LongestDomain = 253;

    /// <summary>What Apple allows before a passcode is asked again; seconds.</summary>
    public static IReadOnlyList<int> PasscodeGraces { get; } = [0, 60, 300, 900, 3600, 14400];

    /// <summary>Megabytes for each user.</summary>
    public int? QuotaSize { get; init; }
    /// <summary>How many users the iPad makes room for.</summary>
    public int? ResidentUsers { get; init; }
    /// <summary>Seconds without anybody at it, until the user is logged out; 0: never.</summary>
    public int? UserSessionTimeout { get; init; }
    /// <summary>Likewise a guest.</summary>
    public int? TemporarySessionTimeout { get; init; }
    /// <summary>Guests only: nobody signs in.</summary>
    public bool? TemporarySessionOnly { get; init; }
    /// <summary>Offered when somebody signs in, as in school.example.</summary>
    public IReadOnlyList<string>? ManagedAppleIDDefaultDomains { get; init; }
    /// <summary>Days in which a user whom the iPad knows signs in without asking Apple; 0: Apple is asked each time.</summary>
    public int? OnlineAuthenticationGracePeriod { get; init; }
    /// <summary>A new user is not asked for language and region.</summary>
    public bool? SkipLanguageAndLocaleSetupForNewUsers { get; init; }
    /// <summary>A user waits after the login until what waits for the user has arrived.</summary>
    public bool? AwaitUserConfiguration { get; init; }
    /// <summary>Seconds.</summary>
    public int? PasscodeLockGracePeriod { get; init; }
    /// <summary>Seconds until the screen goes dark.</summary>
    public int? AutoLockTime { get; init; }

    /// <summary>By Apple's rules; empty: it can be sent.</summary>
    public IReadOnlyList<SharedIPadFault> Faults()
    {
        var faults = new List<SharedIPadFault>();
        if (ToItem().Count == 1) Fault("quotaSize", "Set at least one thing.");
        if (QuotaSize is not null && ResidentUsers is not null) Fault("residentUsers", "Set the quota or the number of users, not both: an iPad works out one from the other.");
        Number("quotaSize", QuotaSize, 1, LargestQuota, $"Enter megabytes for each user, from 1 to {LargestQuota}.");
        Number("residentUsers", ResidentUsers, 1, MostResidentUsers, $"Enter 1 to {MostResidentUsers} users.");
        Timeout("userSessionTimeout", UserSessionTimeout);
        Timeout("temporarySessionTimeout", TemporarySessionTimeout);
        Number("onlineAuthenticationGracePeriod", OnlineAuthenticationGracePeriod, 0, LongestGraceDays, $"Enter days, from 0 to {LongestGraceDays}. 0 asks Apple at each login.");
        Number("autoLockTime", AutoLockTime, ShortestAutoLock, LongestTimeout, $"Enter seconds, from {ShortestAutoLock} to {LongestTimeout}.");
        if (PasscodeLockGracePeriod is { } grace && !PasscodeGraces.Contains(grace))
            Fault("passcodeLockGracePeriod", $"It is one of {string.Join(", ", PasscodeGraces)} seconds.");
        Domains();
        if (TemporarySessionOnly == true)
        {
            // What is about people who sign in does nothing where nobody does.
            const string nobody = "With temporary sessions only nobody signs in. Leave it out.";
            if (ResidentUsers is not null) Fault("residentUsers", nobody);
            if (UserSessionTimeout is not null) Fault("userSessionTimeout", nobody);
            if (ManagedAppleIDDefaultDomains is not null) Fault("managedAppleIDDefaultDomains", nobody);
            if (OnlineAuthenticationGracePeriod is not null) Fault("onlineAuthenticationGracePeriod", nobody);
            if (AwaitUserConfiguration == true) Fault("awaitUserConfiguration", nobody);
            if (PasscodeLockGracePeriod is not null) Fault("passcodeLockGracePeriod", "A temporary session has no passcode. Leave it out.");
        }

        return faults;

        void Fault(string field, string words) => faults.Add(new SharedIPadFault(field, words));

        void Number(string field, int? value, int least, int most, string words)
        {
            if (value < least || value > most) Fault(field, words);
        }

        void Timeout(string field, int? value)
        {
            if (value is { } seconds and not 0 && seconds is < ShortestTimeout or > LongestTimeout)
                Fault(field, $"Enter seconds, from {ShortestTimeout} to {LongestTimeout}, or 0 for never.");
        }

        void Domains()
        {
            const string field = "managedAppleIDDefaultDomains";
            if (ManagedAppleIDDefaultDomains is not { } domains) return;
            if (domains.Count is 0 or > MostDomains) Fault(field, $"Enter 1 to {MostDomains} domains.");
            else if (domains.Any(domain => domain is null)) Fault(field, "Enter each domain as text, as in school.example.");
            else if (domains.FirstOrDefault(domain => !IsDomain(domain)) is { } odd) Fault(field, $"\"{(odd.Length > 40 ? odd[..40] + "…" : odd)}\" is no domain. Enter it as in school.example.");
            else if (domains.Distinct(StringComparer.OrdinalIgnoreCase).Count() < domains.Count) Fault(field, "Enter each domain once.");
        }
    }

    /// <summary>As the command Settings has it.</summary>
    public PlistDictionary ToItem()
    {
        var item = new PlistDictionary { ["Item"] = Item };
        if (QuotaSize is { } quota) item["QuotaSize"] = quota;
        if (ResidentUsers is { } users) item["ResidentUsers"] = users;
        if (UserSessionTimeout is { } session) item["UserSessionTimeout"] = session;
        if (TemporarySessionTimeout is { } guest) item["TemporarySessionTimeout"] = guest;
        if (TemporarySessionOnly is { } only) item["TemporarySessionOnly"] = only;
        if (ManagedAppleIDDefaultDomains is { } domains) item["ManagedAppleIDDefaultDomains"] = new PlistArray([.. domains.Where(domain => domain is not null).Select(domain => new PlistString(domain))]);
        if (OnlineAuthenticationGracePeriod is { } days) item["OnlineAuthenticationGracePeriod"] = days;
        if (SkipLanguageAndLocaleSetupForNewUsers is { } skip) item["SkipLanguageAndLocaleSetupForNewUsers"] = skip;
        if (AwaitUserConfiguration is { } awaits) item["AwaitUserConfiguration"] = new PlistDictionary { ["Enabled"] = awaits };
        var policy = new PlistDictionary();
        if (PasscodeLockGracePeriod is { } grace) policy["PasscodeLockGracePeriod"] = grace;
        if (AutoLockTime is { } dark) policy["AutoLockTime"] = dark;
        if (policy.Count > 0) item["PasscodePolicy"] = policy;
        return item;
    }

    /// <summary>The Command dictionary that sets it.</summary>
    public byte[] ToCommand() => PlistWriter.ToFragment(new PlistDictionary { ["RequestType"] = "Settings", ["Settings"] = new PlistArray([ToItem()]) });

    private static bool IsDomain(string domain) =>
        domain.Length <= LongestDomain && domain.Split('.') is { Length: > 1 } labels
        && Array.TrueForAll(labels, label => label.Length is > 0 and <= 63 && label[0] != '-' && label[^1] != '-' && label.All(c => char.IsLetterOrDigit(c) || c == '-'));
}
