using FleetMdm.Api.Hosting;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Protocol.Identity;
using FleetMdm.Protocol.Profiles;
using FleetMdm.Storage.Enrolment;
using Microsoft.Extensions.Options;

namespace FleetMdm.Api.Enrolment;

/// <summary>
/// <c>/enroll/{invitation}</c>: the enrolment profile for an iPad, a page with a button and a QR code for a browser. Each profile
/// has a challenge of its own; fetching one uses nothing up, getting a certificate with it does.
/// </summary>
public sealed partial class InvitationEndpoint(
    EnrolmentAuthority authority,
    IEnrolmentStore store,
    IGrainFactory grains,
    IOptions<MdmOptions> mdm,
    IOptions<ScepOptions> scep,
    IOptions<HttpOptions> http,
    EnrolmentMetrics metrics,
    TimeProvider time,
    ILogger<InvitationEndpoint> logger)
{
    public async Task<IResult> Handle(HttpContext context, string invitation)
    {
        var found = OneTimeChallenge.IsInvitationId(invitation) ? await store.FindInvitation(invitation) : null;
        if (found is null)
            return Refuse(context, StatusCodes.Status404NotFound, "Unknown", "This invitation does not exist",
                "Check the link, or ask whoever gave it to you for a new one.");
        var now = time.GetUtcNow();
        var state = found.StateAt(now);
        if (state != InvitationState.Open)
        {
            var title = state switch
            {
                InvitationState.Revoked => "This invitation was withdrawn",
                InvitationState.Expired => "This invitation has expired",
                _ => "This invitation was used as often as it may be",
            };
            return Refuse(context, StatusCodes.Status410Gone, state.ToString(), title, "Ask whoever gave it to you for a new one.");
        }

        var push = await grains.GetGrain<IPushCertificateGrain>(IPushCertificateGrain.Key).Describe();
        if (push is null)
            return Refuse(context, StatusCodes.Status409Conflict, "NoPushCertificate", "This server is not ready for iPads yet",
                "An administrator has to install the push certificate first. The overview of the console says how.");

        var snapshot = await authority.Get();
        if (!WantsProfile(context.Request))
        {
            metrics.CountProfile("Page");
            var trust = http.Value.PresentsBuiltInCa ? new Uri(mdm.Value.PublicUri, TrustEndpoints.TrustPath) : null;
            return EnrolmentPage.Invitation(context, snapshot.Organization, new Uri(mdm.Value.PublicUri, $"/enroll/{invitation}"), found.ExpiresAt, trust);
        }

        var challengeEnds = now.AddMinutes(scep.Value.ChallengeLifetimeMinutes);
        var profile = EnrolmentProfile.Build(new EnrolmentProfileSettings
        {
            Organization = snapshot.Organization,
            PublicUrl = mdm.Value.PublicUri,
            Topic = push.Topic,
            Roots = [.. snapshot.Roots.Select(root => root.Der)],
            Challenge = OneTimeChallenge.Create(snapshot.ChallengeKey, invitation, challengeEnds, mdm.Value.PublicUri.Authority),
            SignMessage = mdm.Value.SignMessage,
        });
        LogGiven(found.Number, profile.Uuid);
        metrics.CountProfile("Given");
        return ProfileResult.Of(context, snapshot, profile, "enrolment");
    }

    /// <summary>
    /// True for an iPad and for tools that ask for the profile. A POST is Setup Assistant's or Apple Configurator's, which sends
    /// facts about the iPad along that an invitation does not need.
    /// </summary>
    private static bool WantsProfile(HttpRequest request)
    {
        var agent = request.Headers.UserAgent.ToString();
        return HttpMethods.IsPost(request.Method)
            || request.Query["profile"] == "1"
            || request.Headers.Accept.ToString().Contains(ConfigurationProfile.ContentType, StringComparison.OrdinalIgnoreCase)
            || agent.Contains("iPad", StringComparison.Ordinal)
            || agent.Contains("iPhone", StringComparison.Ordinal);
    }

    private IResult Refuse(HttpContext context, int status, string result, string title, string explanation)
    {
        metrics.CountProfile(result);
        return EnrolmentPage.Refusal(context, status, title, explanation);
    }

    [LoggerMessage(3330, LogLevel.Information, "Enrolment profile {Uuid} given by invitation number {Invitation}.")]
    private partial void LogGiven(long invitation, Guid uuid);
}
