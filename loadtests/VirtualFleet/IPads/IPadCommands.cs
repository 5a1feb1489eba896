using System.Security.Cryptography;
using FleetMdm.VirtualFleet.Enrolment;
using FleetMdm.VirtualFleet.Plist;

namespace FleetMdm.VirtualFleet.IPads;

/// <summary>
/// What an iPad makes of each command. Rules from Apple's command pages.
/// <see href="https://developer.apple.com/documentation/devicemanagement/commands_and_queries"/>
/// </summary>
internal sealed class IPadCommands(VirtualIPad ipad)
{
    private const string MdmDomain = "MCMDMErrorDomain", ProfileDomain = "MCProfileErrorDomain", InstallDomain = "MCInstallationErrorDomain";

    /// <summary>iOS runs these before first unlock too; all others answer NotNow then.</summary>
    private static readonly HashSet<string> NeverNotNow = new(StringComparer.Ordinal)
    {
        "DeviceInformation", "ProfileList", "DeviceLock", "EraseDevice", "ClearPasscode", "ProvisioningProfileList",
        "InstalledApplicationList", "Restrictions",
    };

    /// <summary>Commands of a Shared iPad user's channel, of those that this iPad knows.</summary>
    private static readonly HashSet<string> OnUserChannel = new(StringComparer.Ordinal)
    {
        "DeviceInformation", "ProfileList", "InstallProfile", "RemoveProfile", "Settings",
    };

    /// <summary>Runs a command and makes the report on it.</summary>
    public async Task<IPadReport> RunAsync(MdmChannel channel, IncomingCommand incoming, CancellationToken cancellation)
    {
        var report = ipad.IsLocked && incoming.RequestType.Length > 0 && !NeverNotNow.Contains(incoming.RequestType)
            ? Report(channel, incoming, "NotNow")
            : ipad.FailureOf(incoming.RequestType) is { Count: > 0 } chain
            ? Error(channel, incoming, chain)
            : incoming.RequestType == "InstallProfile"
                ? await InstallProfileAsync(channel, incoming, cancellation)
                : Execute(channel, incoming);
        ipad.Journal.CommandRan(channel.Name, incoming.CommandUuid, incoming.RequestType, report.Status);
        return report;
    }

    private IPadReport Execute(MdmChannel channel, IncomingCommand incoming)
    {
        if (incoming.Command is not { } command || incoming.RequestType.Length == 0)
            return Report(channel, incoming, "CommandFormatError");
        if (channel.UserShortName is not null && !OnUserChannel.Contains(incoming.RequestType))
            return Error(channel, incoming, MdmDomain, 12021, $"“{incoming.RequestType}” is not a command for users.");
        lock (ipad.StateLock)
        {
            return incoming.RequestType switch
            {
                "DeviceInformation" => DeviceInformation(channel, incoming, command),
                "SecurityInfo" => Acknowledged(channel, incoming, ("SecurityInfo", SecurityInfo())),
                "InstalledApplicationList" => Acknowledged(channel, incoming, ("InstalledApplicationList", Applications(command))),
                "ProfileList" => Acknowledged(channel, incoming, ("ProfileList", Profiles(channel))),
                "RemoveProfile" => RemoveProfile(channel, incoming, command),
                "Settings" => Settings(channel, incoming, command),
                "DeviceLock" => DeviceLock(channel, incoming, command),
                "ClearPasscode" => ClearPasscode(channel, incoming, command),
                "EraseDevice" => Acknowledged(channel, incoming) with { OnlyOnce = true, Afterwards = Now(ipad.Erase) },
                "RestartDevice" => Acknowledged(channel, incoming) with { Afterwards = Now(ipad.Restart) },
                _ => Error(channel, incoming, MdmDomain, 12021, $"“{incoming.RequestType}” is not a valid request type."),
            };
        }
    }

    private IPadReport DeviceInformation(MdmChannel channel, IncomingCommand incoming, PlistDict command)
    {
        if (command.Array("Queries") is not { } queries || !queries.All(query => query is string))
            return Report(channel, incoming, "CommandFormatError");
        var answers = new PlistDict();
        foreach (var query in queries.Cast<string>().Distinct())
        {
            // What an iPad does not have it leaves out.
            if (DeviceFacts.Answer(query, ipad) is { } answer)
                answers.Add(query, answer);
        }
        return Acknowledged(channel, incoming, ("QueryResponses", answers));
    }

    private PlistDict SecurityInfo() => new()
    {
        ["HardwareEncryptionCaps"] = 3,
        ["PasscodePresent"] = ipad.PasscodeSet,
        ["PasscodeCompliant"] = true,
        ["PasscodeCompliantWithProfiles"] = true,
        ["PasscodeLockGracePeriod"] = 0,
        ["PasscodeLockGracePeriodEnforced"] = 2147483647,
        ["ManagementStatus"] = new PlistDict { ["EnrolledViaDEP"] = false, ["IsUserEnrollment"] = false, ["UserApprovedEnrollment"] = true },
    };

    private List<object> Applications(PlistDict command)
    {
        var wanted = command.Array("Identifiers")?.OfType<string>().ToHashSet(StringComparer.Ordinal);
        return
        [
            .. ipad.Apps.Where(app => wanted?.Contains(app) ?? true).Select(app => new PlistDict
            {
                ["Identifier"] = app,
                ["Name"] = app[(app.LastIndexOf('.') + 1)..],
                ["Version"] = "14.3",
                ["ShortVersion"] = "14.3",
                ["BundleSize"] = 412_000_000L,
                ["DynamicSize"] = 8192,
                ["Installing"] = false,
            }),
        ];
    }

    private List<object> Profiles(MdmChannel channel)
    {
        var profiles = channel.Profiles.Values
            .Select(profile => ProfileEntry(profile.Identifier, profile.Uuid, profile.DisplayName ?? "", profile.Signer is not null)).ToList<object>();
        if (channel.UserShortName is null && ipad.Profile is { } enrolment)
            profiles.Insert(0, ProfileEntry(enrolment.Identifier, enrolment.Uuid, "Management", signed: true));
        return profiles;
    }

    private static PlistDict ProfileEntry(string identifier, string uuid, string name, bool signed) => new()
    {
        ["PayloadIdentifier"] = identifier,
        ["PayloadUUID"] = uuid,
        ["PayloadDisplayName"] = name,
        ["PayloadVersion"] = 1,
        ["PayloadRemovalDisallowed"] = false,
        ["HasRemovalPasscode"] = false,
        ["IsEncrypted"] = false,
        ["IsManaged"] = true,
        ["SignerCertificates"] = new List<object>(),
        ["PayloadContent"] = new List<object>(),
        ["PayloadDescription"] = signed ? "signed" : "",
    };

    private async Task<IPadReport> InstallProfileAsync(MdmChannel channel, IncomingCommand incoming, CancellationToken cancellation)
    {
        if (incoming.Command?.Data("Payload") is not { } payload)
            return Report(channel, incoming, "CommandFormatError");
        try
        {
            var profile = ConfigurationProfile.Read(payload);
            if (profile.Payloads.All(part => part.Text("PayloadType") != "com.apple.mdm"))
            {
                // The same PayloadIdentifier is the same profile: it is replaced.
                lock (ipad.StateLock)
                    channel.Profiles[profile.Identifier] = profile;
            }
            else if (channel.UserShortName is null && profile.Identifier == ipad.Profile?.Identifier)
            {
                await ipad.RenewAsync(channel, profile, cancellation);
            }
            else
            {
                return Error(channel, incoming, MdmDomain, 12009, "This iPad is managed by another profile.");
            }
            return Acknowledged(channel, incoming);
        }
        catch (EnrolmentException e)
        {
            return Error(channel, incoming, ProfileDomain, 1000, e.Message);
        }
    }

    private IPadReport RemoveProfile(MdmChannel channel, IncomingCommand incoming, PlistDict command)
    {
        if (command.Text("Identifier") is not { Length: > 0 } identifier)
            return Report(channel, incoming, "CommandFormatError");
        if (channel.UserShortName is null && identifier == ipad.Profile?.Identifier)
            return Acknowledged(channel, incoming) with { Afterwards = ipad.RemoveManagementAsync };
        return channel.Profiles.Remove(identifier)
            ? Acknowledged(channel, incoming)
            : Error(channel, incoming, MdmDomain, 12075, $"The profile “{identifier}” is not installed.");
    }

    private IPadReport Settings(MdmChannel channel, IncomingCommand incoming, PlistDict command)
    {
        if (command.Array("Settings") is not { } items || !items.All(item => item is PlistDict))
            return Report(channel, incoming, "CommandFormatError");
        var answers = items.Cast<PlistDict>().Select(item =>
        {
            if (item.Text("Item") == "DeviceName" && item.Text("DeviceName") is { } name)
                ipad.Name = name;
            return new PlistDict { ["Item"] = item.Text("Item") ?? "", ["Status"] = "Acknowledged" };
        });
        return Acknowledged(channel, incoming, ("Settings", answers.ToList<object>()));
    }

    private IPadReport DeviceLock(MdmChannel channel, IncomingCommand incoming, PlistDict command) =>
        command.ContainsKey("Message") || command.ContainsKey("PhoneNumber")
            ? Acknowledged(channel, incoming, ("MessageResult", ipad.PasscodeSet ? "Success" : "NoPasscodeSet"))
            : Acknowledged(channel, incoming);

    private IPadReport ClearPasscode(MdmChannel channel, IncomingCommand incoming, PlistDict command)
    {
        if (command.Data("UnlockToken") is not { } token)
            return Report(channel, incoming, "CommandFormatError");
        if (ipad.UnlockToken is null || !CryptographicOperations.FixedTimeEquals(token, ipad.UnlockToken))
            return Error(channel, incoming, InstallDomain, 4001, "The unlock token is not the one that this iPad gave out.");
        ipad.PasscodeSet = false;
        return Acknowledged(channel, incoming);
    }

    private static Func<CancellationToken, Task> Now(Action action) => _ =>
    {
        action();
        return Task.CompletedTask;
    };

    private static IPadReport Acknowledged(MdmChannel channel, IncomingCommand incoming, params ReadOnlySpan<(string Key, object Value)> answers) =>
        Report(channel, incoming, "Acknowledged", answers);

    private static IPadReport Error(MdmChannel channel, IncomingCommand incoming, string domain, int code, string description) =>
        Error(channel, incoming, [new AppleError(domain, code, description)]);

    private static IPadReport Error(MdmChannel channel, IncomingCommand incoming, IReadOnlyList<AppleError> chain) =>
        Report(channel, incoming, "Error", ("ErrorChain", chain.Select(error => new PlistDict
        {
            ["ErrorCode"] = error.Code,
            ["ErrorDomain"] = error.Domain,
            ["LocalizedDescription"] = error.Description,
            ["USEnglishDescription"] = error.Description,
        }).ToList<object>()));

    private static IPadReport Report(MdmChannel channel, IncomingCommand incoming, string status,
        params ReadOnlySpan<(string Key, object Value)> answers)
    {
        var message = channel.Message(("CommandUUID", incoming.CommandUuid), ("Status", status));
        foreach (var (key, value) in answers)
            message.Add(key, value);
        return new IPadReport(status, incoming.CommandUuid, incoming.RequestType, PlistWriter.Write(message));
    }
}
