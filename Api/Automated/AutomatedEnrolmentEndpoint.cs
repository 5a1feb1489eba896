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
/// <c>POST /mdm/automated/enroll</c>: an iPad in Setup Assistant asks for its enrolment profile, with what it is, signed with its device certificate (Apple, MachineInfo). An answer goes
/// this way:
/// </summary>
/// <remarks>
/// <code>
/// 1. body       bounded                                                          413
/// 2. read       CMS, property list                                               400
/// 3. signature  it holds, and the certificate is an iPad's of Apple's            400, 403
/// 4. iPad       UDID and serial number; the serial number is on one of our
///               servers in Apple School Manager                                  400, 403
/// 5. update     an iPad below what its profile wants updates itself first        403 with com.apple.softwareupdate.required
/// 6. ready      there is a push certificate; it can attest where it has to       409, 403
/// 7. answer     the enrolment profile, bound to this iPad
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
        if (await BoundedBody.Read(context.Request, DeviceCertificates.MaxAnswerBytes) is not { } body)
            return Refuse(context, StatusCodes.Status413PayloadTooLarge, "TooLarge", $"A request has at most {DeviceCertificates.MaxAnswerBytes} bytes.");

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
            return Refuse(context, StatusCodes.Status400BadRequest, "BadAnswer", $"This is no signed machine information of an iPad: {e.Message}");
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
            return Refuse(context, StatusCodes.Status400BadRequest, e.Refusal.ToString(), e.Message);
        }

        if (answer.Signer != DeviceSigner.DeviceCertificate)
            return Refuse(context, StatusCodes.Status403Forbidden, "Stranger", $"The certificate that signed this is not an iPad's of Apple's: {answer.Why ?? "it is of another step"}.");

        // 4
        if (ProvenDevice.Of(info.Udid, info.SerialNumber) is not { } device)
            return Refuse(context, StatusCodes.Status400BadRequest, "NoDevice", "It names no UDID and serial number that an iPad can have.");
        if (await store.FindForEnrolment(device.SerialNumber) is not var (row, server, profile))
        {
            LogUnknown(device.SerialNumber, device.Udid);
            return Refuse(context, StatusCodes.Status403Forbidden, "UnknownSerial",
                $"The iPad {device.SerialNumber} is on no device management service of this district. Assign it in Apple School Manager, wait until it stands here under Automated enrolment, and try again.");
        }

        // 5
        if (profile is not null && AutomatedProfileService.DefinitionOf(profile).MinimumOsVersion is { } minimum && info.MustUpdateTo(minimum))
        {
            await store.NoteAsked(device.SerialNumber, now, info.OsVersion, $"to update to {minimum} first");
            metrics.CountProfile("UpdateFirst");
            LogUpdate(device.SerialNumber, info.OsVersion, minimum);
            return Results.Text(new JsonObject
            {
                ["code"] = "com.apple.softwareupdate.required",
                ["description"] = $"{row.Apple.SerialNumber} has {info.OsVersion}, and {minimum} is wanted.",
                ["message"] = $"This iPad has to be updated to iPadOS {minimum} first.",
                ["details"] = new JsonObject { ["OSVersion"] = minimum },
            }.ToJsonString(), "application/json", statusCode: StatusCodes.Status403Forbidden);
        }

        // 6
        if (await profiles.ForAutomated(server.InvitationId, new ProvenFacts(device, info.ProductName, info.OsVersion, info.BuildVersion)) is not { } enrolment)
        {
            await store.NoteAsked(device.SerialNumber, now, info.OsVersion, "no push certificate");
            return Refuse(context, StatusCodes.Status409Conflict, "NoPushCertificate", "This server is not ready for iPads yet: an administrator has to install the push certificate first.");
        }

        if (enrolment.Profile is not { } given)
        {
            await store.NoteAsked(device.SerialNumber, now, info.OsVersion, "that it has to attest, and cannot");
            return Refuse(context, StatusCodes.Status403Forbidden, "CannotAttest", $"Here an iPad has to attest to enrol, and this one cannot. {enrolment.Identity.Why}");
        }

        // 7
        await store.NoteAsked(device.SerialNumber, now, info.OsVersion, "the enrolment profile");
        if (enrolment.Identity.Why is { } why) LogNotAttested(device.SerialNumber, why);
        metrics.CountProfile("Automated");
        LogGiven(given.Uuid, device.SerialNumber, server.Name);
        return ProfileResult.Of(context, enrolment.Authority, given.ToBytes(), "enrolment");
    }

    private IResult Refuse(HttpContext context, int status, string result, string why)
    {
        metrics.CountProfile(result);
        if (_told.IsDue(clients.Of(context))) LogRefused(clients.Of(context), result, why);
        return Results.Text(why, statusCode: status);
    }

    [LoggerMessage(2587, LogLevel.Information, "Enrolment profile {Uuid} given to iPad {SerialNumber} out of the box, by the server \"{Server}\".")]
    private partial void LogGiven(Guid uuid, string serialNumber, string server);

    [LoggerMessage(2864, LogLevel.Information, "iPad {SerialNumber} gets its identity out of the box by SCEP, without an attestation. {Reason}")]
    private partial void LogNotAttested(string serialNumber, string reason);

    [LoggerMessage(2588, LogLevel.Information, "iPad {SerialNumber} has iPadOS {OsVersion} and is to update itself to {Minimum} before it enrols.")]
    private partial void LogUpdate(string serialNumber, string? osVersion, string minimum);

    [LoggerMessage(2589, LogLevel.Warning, "iPad {SerialNumber} ({Udid}) wants to enrol out of the box, and is on no server of Apple School Manager that is known here.")]
    private partial void LogUnknown(string serialNumber, string udid);

    [LoggerMessage(2590, LogLevel.Warning, "A request for an enrolment profile out of the box from {Address} was refused, {Result}: {Reason} This is said once an hour of each address.")]
    private partial void LogRefused(System.Net.IPAddress? address, string result, string reason);
}
