using System.Text.Json.Nodes;
using FleetMdm.Api.Attestation;
using FleetMdm.Api.Enrolment;
using FleetMdm.Api.Hosting;
using FleetMdm.Protocol.Automated;
using FleetMdm.Protocol.Identity;
using FleetMdm.Protocol.Plist;
using FleetMdm.Storage.Automated;

namespace FleetMdm.Api.Automated;

/// <summary>
/// <c>POST /mdm/automated/enroll</c>: an iPad in Setup Assistant asks for its enrolment profile, with what it is, signed with its device certificate (Apple, MachineInfo). Where somebody is
/// to sign in first, it comes by <see cref="SetUpSignIn"/> instead. An answer goes this way:
/// </summary>
/// <remarks>
/// <code>
/// 1. body       bounded                                                          413
/// 2. read       CMS, property list                                               400
/// 3. signature  it holds, and the certificate is an iPad's of Apple's            400, 403
/// 4. iPad       UDID and serial number; the serial number is on one of our
///               servers in Apple School Manager                                  400, 403
/// 5. update     an iPad below what its profile wants updates itself first        403 with com.apple.softwareupdate.required
/// 6. sign-in    where the profile asks for one, only who comes from that page     403
/// 7. ready      there is a push certificate; it can attest where it has to       409, 403
/// 8. answer     the enrolment profile, bound to this iPad
/// </code>
/// Setup Assistant shows every other answer as an error, and lets a person try again. Never 401: it would ask for a name and a password.
/// Apple gives no challenge to sign: whoever has a recorded request of an iPad can send it again (docs/security.md).
/// </remarks>
internal sealed partial class AutomatedEnrolmentEndpoint(
    IAutomatedStore store, EnrolmentProfiles profiles, EnrolmentAuthority authority, DeviceCertificates certificates, EnrolmentMetrics metrics, ClientAddress clients, TimeProvider time,
    ILogger<AutomatedEnrolmentEndpoint> logger)
{
    public const string Path = "/mdm/automated/enroll";

    private readonly OncePerHour _told = new(time);

    public async Task<IResult> Handle(HttpContext context)
    {
        // 1
        try
        {
            if (await BoundedBody.Read(context.Request, DeviceCertificates.MaxAnswerBytes) is not { } body)
                throw Refuse(context, StatusCodes.Status413PayloadTooLarge, "TooLarge", $"A request has at most {DeviceCertificates.MaxAnswerBytes} bytes.");
            return await Answer(context, await Check(context, body), signedIn: false);
        }
        catch (AskingRefusedException e)
        {
            return Results.Text(e.Message, statusCode: e.Status);
        }
    }

    /// <summary>Steps 2 to 4: which iPad asks.</summary>
    /// <param name="body">Of at most <see cref="DeviceCertificates.MaxAnswerBytes"/>.</param>
    /// <exception cref="AskingRefusedException">None does.</exception>
    internal async Task<AskingIPad> Check(HttpContext context, byte[] body)
    {
        // 2
        DeviceAnswer signed;
        MachineInfo info;
        try
        {
            signed = DeviceCertificates.Read(body);
            info = MachineInfo.Read(signed.Content);
        }
        catch (Exception e) when (e is IdentityException or PlistFormatException)
        {
            throw Refuse(context, StatusCodes.Status400BadRequest, "BadAnswer", $"This is no signed machine information of an iPad: {e.Message}", AskingRefusedException.NotUnderstood);
        }

        // 3
        var now = time.GetUtcNow();
        SignedAnswer answer;
        try
        {
            answer = certificates.Check(signed, (await authority.Get()).OwnCas, now);
        }
        catch (IdentityException e)
        {
            throw Refuse(context, StatusCodes.Status400BadRequest, e.Refusal.ToString(), e.Message);
        }

        if (answer.Signer != DeviceSigner.DeviceCertificate)
            throw Refuse(context, StatusCodes.Status403Forbidden, "Stranger", $"The certificate that signed this is not an iPad's of Apple's: {answer.Why ?? "it is of another step"}.");

        // 4
        if (ProvenDevice.Of(info.Udid, info.SerialNumber) is not { } device)
            throw Refuse(context, StatusCodes.Status400BadRequest, "NoDevice", "It names no UDID and serial number that an iPad can have.");
        return new AskingIPad(new ProvenFacts(device, info.ProductName, info.OsVersion, info.BuildVersion), info.CanUpdate);
    }

    /// <summary>For an iPad that comes to the page where somebody signs in: what is answered before that is asked. Where its profile asks for none any more, that is the enrolment profile.</summary>
    /// <returns>Null: somebody is to sign in.</returns>
    /// <exception cref="AskingRefusedException">It gets none.</exception>
    internal async Task<IResult?> WithoutSignIn(HttpContext context, AskingIPad asking)
    {
        var found = await Find(context, asking);
        var definition = DefinitionOf(found.Profile);
        return await UpdateFirst(asking, found.Device, definition) ?? (definition is { AsksSignIn: true } ? null : await Answer(context, asking, found, signedIn: false));
    }

    /// <summary>Steps 4 to 8.</summary>
    /// <param name="signedIn">It comes from the page where somebody signs in.</param>
    /// <exception cref="AskingRefusedException">It gets none.</exception>
    internal async Task<IResult> Answer(HttpContext context, AskingIPad asking, bool signedIn) => await Answer(context, asking, await Find(context, asking), signedIn);

    private async Task<IResult> Answer(HttpContext context, AskingIPad asking, (AutomatedDevice Device, AutomatedServer Server, AutomatedProfile? Profile) found, bool signedIn)
    {
        var (now, device) = (time.GetUtcNow(), asking.Device);
        var (row, server, profile) = found;

        // 5
        var definition = DefinitionOf(profile);
        if (await UpdateFirst(asking, row, definition) is { } update) return update;

        // 6
        if (definition is { AsksSignIn: true } && !signedIn)
        {
            await store.NoteAsked(device.SerialNumber, now, asking.Facts.OsVersion, "to sign in first");
            throw Refuse(context, StatusCodes.Status403Forbidden, "SignInFirst", (await store.FindAddress())?.SignInUrl is null
                ? "Somebody has to sign in on this iPad, and there is no page for it. An administrator has to set SelfService:PublicUrl first."
                : "This iPad has old instructions for its set-up. Ask the school: it has to be erased, and set up again.");
        }

        // 7
        if (await profiles.ForAutomated(server.InvitationId, asking.Facts) is not { } enrolment)
        {
            await store.NoteAsked(device.SerialNumber, now, asking.Facts.OsVersion, "no push certificate");
            throw Refuse(context, StatusCodes.Status409Conflict, "NoPushCertificate", "This server is not ready for iPads yet: an administrator has to install the push certificate first.");
        }

        if (enrolment.Profile is not { } given)
        {
            await store.NoteAsked(device.SerialNumber, now, asking.Facts.OsVersion, "that it has to attest, and cannot");
            throw Refuse(context, StatusCodes.Status403Forbidden, "CannotAttest", $"Here an iPad has to attest to enrol, and this one cannot. {enrolment.Identity.Why}");
        }

        // 8
        await store.NoteAsked(device.SerialNumber, now, asking.Facts.OsVersion, "the enrolment profile");
        if (enrolment.Identity.Why is { } why) LogNotAttested(device.SerialNumber, why);
        metrics.CountProfile("Automated");
        LogGiven(given.Uuid, device.SerialNumber, server.Name);
        if (row.Apple.MigrationDeadline is { } deadline) LogMoves(device.SerialNumber, deadline);
        return ProfileResult.Of(context, enrolment.Authority, given.ToBytes(), "enrolment");
    }

    private async Task<(AutomatedDevice Device, AutomatedServer Server, AutomatedProfile? Profile)> Find(HttpContext context, AskingIPad asking)
    {
        if (await store.FindForEnrolment(asking.Device.SerialNumber) is { } found) return found;
        LogUnknown(asking.Device.SerialNumber, asking.Device.Udid);
        throw Refuse(context, StatusCodes.Status403Forbidden, "UnknownSerial",
            $"The iPad {asking.Device.SerialNumber} is on no device management service of this district. Assign it in Apple School Manager, wait until it stands here under Automated enrolment, and try again.");
    }

    private static EnrolmentDefinition? DefinitionOf(AutomatedProfile? profile) => profile is null ? null : AutomatedProfileService.DefinitionOf(profile);

    private async Task<IResult?> UpdateFirst(AskingIPad asking, AutomatedDevice row, EnrolmentDefinition? definition)
    {
        if (definition?.MinimumOsVersion is not { } minimum || !asking.MustUpdateTo(minimum)) return null;
        await store.NoteAsked(asking.Device.SerialNumber, time.GetUtcNow(), asking.Facts.OsVersion, $"to update to {minimum} first");
        metrics.CountProfile("UpdateFirst");
        LogUpdate(asking.Device.SerialNumber, asking.Facts.OsVersion, minimum);
        return Results.Text(new JsonObject
        {
            ["code"] = "com.apple.softwareupdate.required",
            ["description"] = $"{row.Apple.SerialNumber} has {asking.Facts.OsVersion}, and {minimum} is wanted.",
            ["message"] = $"This iPad has to be updated to iPadOS {minimum} first.",
            ["details"] = new JsonObject { ["OSVersion"] = minimum },
        }.ToJsonString(), "application/json", statusCode: StatusCodes.Status403Forbidden);
    }

    internal AskingRefusedException Refuse(HttpContext context, int status, string result, string why, string? onPage = null)
    {
        metrics.CountProfile(result);
        if (_told.IsDue(clients.Of(context))) LogRefused(clients.Of(context), result, why);
        return new AskingRefusedException(status, why, onPage);
    }

    [LoggerMessage(2587, LogLevel.Information, "Enrolment profile {Uuid} given to iPad {SerialNumber} out of the box, by the server \"{Server}\".")]
    private partial void LogGiven(Guid uuid, string serialNumber, string server);

    [LoggerMessage(2864, LogLevel.Information, "iPad {SerialNumber} gets its identity out of the box by SCEP, without an attestation. {Reason}")]
    private partial void LogNotAttested(string serialNumber, string reason);

    [LoggerMessage(2910, LogLevel.Information, "Apple says of iPad {SerialNumber} that it moves here from another management service until {Deadline:yyyy-MM-dd HH:mm}Z: this is its move, unless it was erased.")]
    private partial void LogMoves(string serialNumber, DateTimeOffset deadline);

    [LoggerMessage(2588, LogLevel.Information, "iPad {SerialNumber} has iPadOS {OsVersion} and is to update itself to {Minimum} before it enrols.")]
    private partial void LogUpdate(string serialNumber, string? osVersion, string minimum);

    [LoggerMessage(2589, LogLevel.Warning, "iPad {SerialNumber} ({Udid}) wants to enrol out of the box, and is on no server of Apple School Manager that is known here.")]
    private partial void LogUnknown(string serialNumber, string udid);

    [LoggerMessage(2590, LogLevel.Warning, "A request for an enrolment profile out of the box from {Address} was refused, {Result}: {Reason} This is said once an hour of each address.")]
    private partial void LogRefused(System.Net.IPAddress? address, string result, string reason);
}

/// <summary>An iPad in Setup Assistant that has proved who it is.</summary>
/// <param name="CanUpdate">It can be told to update itself first.</param>
internal sealed record AskingIPad(ProvenFacts Facts, bool CanUpdate)
{
    public ProvenDevice Device => Facts.Device;

    /// <inheritdoc cref="MachineInfo.MustUpdateTo"/>
    public bool MustUpdateTo(string minimum) => new MachineInfo { OsVersion = Facts.OsVersion, CanUpdate = CanUpdate }.MustUpdateTo(minimum);
}

/// <summary>No enrolment profile for this iPad; the message says why, to the person in front of it.</summary>
internal sealed class AskingRefusedException(int status, string why, string? onPage = null) : Exception(why)
{
    public const string NotUnderstood = "The school's server did not understand this iPad. Start the set-up again. If it happens again, ask the school.";

    public int Status => status;

    /// <summary>Where a pupil reads it, who can do nothing with the details.</summary>
    public string OnPage => onPage ?? Message;
}
