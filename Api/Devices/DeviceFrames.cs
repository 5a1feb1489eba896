using FleetMdm.Api.Access;
using FleetMdm.Api.Commands;
using FleetMdm.Api.Console;
using FleetMdm.Api.Holdings;
using FleetMdm.Api.Reenrolment;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Enrolment;

namespace FleetMdm.Api.Devices;

/// <summary>What stands above the tabs of an iPad's page.</summary>
/// <param name="Done">What became of a form; null: none was sent.</param>
/// <param name="Problem">Why a form did nothing; null: it did, or none was sent.</param>
/// <param name="FormKey">Makes a form that is sent twice do its work once.</param>
public sealed record DeviceFrameView(FleetUser User, DeviceView Device, ClaimView? Claim, string? Done, string? Problem, string FormKey)
{
    public string Name => NameOf(Device);

    public string Path => PathOf(Device.Id);

    public bool MayAct => User.MayOneOf(Rights.AnyCommand) && Device.Status is "Enrolled" or "Authenticated";

    /// <summary>Never an id, if there is anything else.</summary>
    public static string NameOf(DeviceSummary device) => device.DeviceName ?? device.SerialNumber ?? device.Id;

    public static string PathOf(string id) => "/ipads/" + Uri.EscapeDataString(id);
}

/// <summary>Reads what the frame of an iPad's page shows, for the pages of all its tabs.</summary>
internal sealed class DeviceFrames(DeviceLookup lookup, IReenrolmentStore claims, HoldingService holders)
{
    /// <summary>What a page says after a form did its work, by the word in its address: never text from there.</summary>
    private static readonly Dictionary<string, string> Notes = new()
    {
        ["push"] = "A push was requested. When Apple takes it, an iPad that is on and online connects within seconds. What became of it stands under \"Last push\".",
        ["query"] = Queued("DeviceInformation"),
        ["lock"] = Queued("DeviceLock"),
        ["restart"] = Queued("RestartDevice"),
        ["profile"] = Queued("InstallProfile"),
        ["clear-passcode"] = Queued("ClearPasscode"),
        ["erase"] = Queued("EraseDevice") + " The iPad is erased as soon as it connects.",
        ["remove"] = "The iPad is removed from management. A push was sent, and it is told so as soon as it connects.",
        ["cancel"] = "The command is cancelled.",
        ["claim-allowed"] = "The other device is allowed to take this iPad over, for 72 hours. Install the profile on it again.",
        ["claim-refused"] = "The other device is refused.",
        ["sent"] = "The command is queued.",
        ["asked"] = "The question is queued. What the iPad answers stands here as soon as it has.",
        ["log-out"] = Queued("LogOutUser") + " When the iPad has answered, it is asked who is on it.",
        ["users-deleted"] = Queued("DeleteUser") + " When the iPad has answered, it is asked who is on it.",
        ["handed-out"] = "The iPad is handed out.",
        ["returned"] = "The iPad is returned.",
        ["note"] = "The note is written.",
        ["note-removed"] = "The text is removed.",
        ["incident"] = "The incident is saved.",
        ["exam-released"] = "The iPad is being released. It is woken at once, and again until it has said that it is.",
        ["renewal"] = "The identity certificate is to be renewed: InstallProfile is queued.",
        ["reenrolment"] = "This iPad may enrol anew within 24 hours.",
    };

    private static string Queued(string requestType) => $"\u201c{CommandWords.Of(requestType)}\u201d is queued.";

    /// <exception cref="ApiProblem">404.</exception>
    public async Task<DeviceFrameView> Of(HttpContext context, string id, ApiProblem? problem = null)
    {
        var user = FleetUser.Of(context);
        var device = await holders.With(user, DeviceView.Of(await lookup.Row(id), await lookup.Describe(id), user));
        var claim = await claims.FindClaim(device.Id) is { Decision: ClaimDecision.Open } open ? ClaimView.Of(open) : null;
        var done = problem is null ? Notes.GetValueOrDefault(context.Request.Query["done"].FirstOrDefault() ?? "") : null;
        return new DeviceFrameView(user, device, claim, done, problem?.Message, PageForms.NewKey());
    }
}
