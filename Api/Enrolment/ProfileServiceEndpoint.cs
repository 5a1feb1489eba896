using System.Security.Cryptography;
using FleetMdm.Api.Attestation;
using FleetMdm.Api.Hosting;
using FleetMdm.Protocol.Identity;
using FleetMdm.Protocol.Plist;
using FleetMdm.Protocol.Profiles;
using FleetMdm.Storage.Enrolment;

namespace FleetMdm.Api.Enrolment;

/// <summary>
/// <c>POST /enroll/{invitation}/device</c>: an iPad says which iPad it is, signed with its device certificate, and once more with the certificate that it
/// got for that (Apple, "Over-the-Air Profile Delivery and Configuration"). An answer goes this way:
/// </summary>
/// <remarks>
/// <code>
/// 1. invitation  open                                                      404, 410, 409
/// 2. body        bounded                                                   413
/// 3. read        CMS, property list, a challenge of ours for this
///                invitation: before any key is used                        400, 403
/// 4. signature   whose it is, and that it holds                            400
/// 5. iPad        in the second step the one of the first; one that the
///                invitation is for                                         403
/// 6. once        the challenge is taken for this step                      403
/// 7. answer      first step: a certificate for the second, bound to this iPad
///                second step: the enrolment profile, bound to this iPad;
///                none where it has to attest, and cannot                   403
///                stranger: the enrolment profile that anybody gets
/// </code>
/// A recorded answer is worth nothing: its challenge was for one download of one invitation, and is spent.
/// </remarks>
internal sealed partial class ProfileServiceEndpoint(
    EnrolmentProfiles profiles,
    IEnrolmentStore store,
    DeviceCertificates certificates,
    EnrolmentMetrics metrics,
    ClientAddress clients,
    TimeProvider time,
    ILogger<ProfileServiceEndpoint> logger)
{
    private readonly OncePerHour _told = new(time);

    public static string PathOf(string invitation) => $"/enroll/{invitation}/device";

    public async Task<IResult> Handle(HttpContext context, string invitation)
    {
        // 1
        var (open, closed) = await profiles.Open(invitation);
        if (open is null) return Refuse(context, closed!.Status, closed.Result, $"{closed.Title}. {closed.Advice}");

        // 2
        if (await BoundedBody.Read(context.Request, DeviceCertificates.MaxAnswerBytes) is not { } body)
            return Refuse(context, StatusCodes.Status413PayloadTooLarge, "TooLarge", $"An answer has at most {DeviceCertificates.MaxAnswerBytes} bytes.");

        // 3
        DeviceAnswer signed;
        ProfileServiceAnswer answer;
        try
        {
            signed = DeviceCertificates.Read(body);
            answer = ProfileServiceAnswer.Read(signed.Content);
        }
        catch (Exception e) when (e is IdentityException or PlistFormatException)
        {
            return Refuse(context, StatusCodes.Status400BadRequest, "BadAnswer", $"Not a signed answer to a profile of this server: {e.Message}");
        }

        var now = time.GetUtcNow();
        var challenge = OneTimeChallenge.Verify(open.Authority.ChallengeKey, answer.Challenge, now, ChallengeKind.Answer);
        if (challenge?.InvitationId != invitation)
            return Refuse(context, StatusCodes.Status403Forbidden, "BadChallenge", "The challenge is missing, not of this invitation, or expired. Open the invitation again.");

        // 4
        SignedAnswer checkedAnswer;
        try
        {
            checkedAnswer = certificates.Check(signed, open.Authority.OwnCas, now);
        }
        catch (IdentityException e)
        {
            return Refuse(context, StatusCodes.Status400BadRequest, e.Refusal.ToString(), e.Message);
        }

        // 5
        var device = ProvenDevice.Of(answer.Udid, answer.SerialNumber);
        if (checkedAnswer.Signer == DeviceSigner.OverTheAirStep && checkedAnswer.Device != device)
            return Refuse(context, StatusCodes.Status403Forbidden, "AnotherIPad", "The second step is of another iPad than the first.");
        if (open.Invitation.OnlyFor is { } only && device is not null
            && !only.Contains(device.SerialNumber, StringComparer.OrdinalIgnoreCase) && !only.Contains(device.Udid, StringComparer.OrdinalIgnoreCase))
            return Refuse(context, StatusCodes.Status403Forbidden, "InvitationForAnother", "The invitation is for another iPad. Ask for one for this iPad.");

        // 6
        var second = checkedAnswer.Signer == DeviceSigner.OverTheAirStep;
        if (!await store.Spend(SHA256.HashData([.. challenge.Sha256, second ? (byte)2 : (byte)1]), challenge.ExpiresAt))
            return Refuse(context, StatusCodes.Status403Forbidden, "Spent", "This answer was taken before. Open the invitation again.");

        // 7
        return await Answer(context, open, checkedAnswer, device, answer);
    }

    private async Task<IResult> Answer(HttpContext context, OpenInvitation open, SignedAnswer answer, ProvenDevice? device, ProfileServiceAnswer told)
    {
        if (answer.Signer == DeviceSigner.Stranger || device is null)
        {
            var plain = profiles.Enrolment(open);
            LogStranger(open.Invitation.Number, answer.Certificate.Description, answer.Why ?? "it names no iPad", plain.Uuid);
            metrics.CountProfile("Stranger");
            return ProfileResult.Of(context, open.Authority, plain.ToBytes(), "enrolment");
        }

        if (answer.Signer == DeviceSigner.DeviceCertificate)
        {
            LogProven(device.SerialNumber, device.Udid, open.Invitation.Number);
            metrics.CountProfile("Proven");
            return ProfileResult.Of(context, open.Authority, profiles.Step(open, device).ToBytes(), "step");
        }

        var (profile, identity) = await profiles.Enrolment(open, new ProvenFacts(device, told.ProductName, null, told.Version));
        if (profile is null) return Refuse(context, StatusCodes.Status403Forbidden, "CannotAttest", $"Here an iPad has to attest to enrol, and this one cannot. {identity.Why}");
        if (identity.Why is { } why) LogNotAttested(device.SerialNumber, why);
        LogGiven(profile.Uuid, device.SerialNumber, open.Invitation.Number);
        metrics.CountProfile("Given");
        return ProfileResult.Of(context, open.Authority, profile.ToBytes(), "enrolment");
    }

    private IResult Refuse(HttpContext context, int status, string result, string why)
    {
        metrics.CountProfile(result);
        if (_told.IsDue(clients.Of(context))) LogRefused(clients.Of(context), result, why);
        return Results.Text(why, statusCode: status);
    }

    [LoggerMessage(3332, LogLevel.Information, "iPad {SerialNumber} ({Udid}) proved who it is, by invitation number {Invitation}.")]
    private partial void LogProven(string serialNumber, string udid, long invitation);

    [LoggerMessage(2863, LogLevel.Information, "iPad {SerialNumber} gets its identity by SCEP, without an attestation. {Reason}")]
    private partial void LogNotAttested(string serialNumber, string reason);

    [LoggerMessage(3333, LogLevel.Information, "Enrolment profile {Uuid} given to iPad {SerialNumber}, which proved who it is, by invitation number {Invitation}.")]
    private partial void LogGiven(Guid uuid, string serialNumber, long invitation);

    [LoggerMessage(3334, LogLevel.Warning, "An iPad that enrols by invitation number {Invitation} is a stranger: its certificate ({Certificate}) proves nothing, because {Why}. It gets the plain enrolment profile {Uuid}.")]
    private partial void LogStranger(long invitation, string certificate, string why, Guid uuid);

    [LoggerMessage(3335, LogLevel.Warning, "Answer of an iPad from {Address} refused, {Result}: {Reason} This is said once an hour of each address.")]
    private partial void LogRefused(System.Net.IPAddress? address, string result, string reason);
}
