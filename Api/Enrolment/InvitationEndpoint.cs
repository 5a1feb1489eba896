using FleetMdm.Api.Hosting;
using FleetMdm.Protocol.Profiles;
using Microsoft.Extensions.Options;

namespace FleetMdm.Api.Enrolment;

/// <summary>
/// <c>/enroll/{invitation}</c>: a profile for an iPad, a page with a button and a QR code for a browser. Each profile has a challenge of its own;
/// fetching one uses nothing up, getting a certificate with it does.
/// </summary>
/// <remarks>
/// An iPad that is at the link gets a profile that asks it who it is (<see cref="ProfileServiceEndpoint"/>). Setup Assistant, Apple Configurator and
/// other tools, and whoever adds <c>?profile=plain</c>, get the enrolment profile itself.
/// </remarks>
internal sealed partial class InvitationEndpoint(
    EnrolmentProfiles profiles,
    IOptions<MdmOptions> mdm,
    IOptions<HttpOptions> http,
    IOptions<OverTheAirOptions> overTheAir,
    EnrolmentMetrics metrics,
    ILogger<InvitationEndpoint> logger)
{
    public async Task<IResult> Handle(HttpContext context, string invitation)
    {
        var (open, closed) = await profiles.Open(invitation);
        if (open is null)
        {
            metrics.CountProfile(closed!.Result);
            return EnrolmentPage.Refusal(context, closed.Status, closed.Title, closed.Advice);
        }

        var wanted = Wanted(context.Request);
        if (wanted == Answer.Page)
        {
            metrics.CountProfile("Page");
            var trust = http.Value.PresentsBuiltInCa ? new Uri(mdm.Value.PublicUri, TrustEndpoints.TrustPath) : null;
            return EnrolmentPage.Invitation(
                context, open.Authority.Organization, new Uri(mdm.Value.PublicUri, $"/enroll/{invitation}"), open.Invitation.ExpiresAt, trust);
        }

        if (wanted == Answer.OverTheAir && overTheAir.Value.Enabled)
        {
            var request = profiles.Request(open);
            LogAsked(open.Invitation.Number, request.Uuid);
            metrics.CountProfile("Asked");
            return ProfileResult.Of(context, open.Authority, request.ToBytes(), "enrolment");
        }

        var profile = profiles.Enrolment(open);
        LogGiven(open.Invitation.Number, profile.Uuid);
        metrics.CountProfile("Given");
        return ProfileResult.Of(context, open.Authority, profile.ToBytes(), "enrolment");
    }

    private enum Answer
    {
        Page,
        Plain,
        OverTheAir,
    }

    /// <summary>A POST is Setup Assistant's or Apple Configurator's: they install a Configuration profile, and send facts about the iPad along that an
    /// invitation does not need.</summary>
    private static Answer Wanted(HttpRequest request)
    {
        var agent = request.Headers.UserAgent.ToString();
        var query = request.Query["profile"].ToString();
        if (query == "plain" || HttpMethods.IsPost(request.Method)) return Answer.Plain;
        if (query == "1" || agent.Contains("iPad", StringComparison.Ordinal) || agent.Contains("iPhone", StringComparison.Ordinal)) return Answer.OverTheAir;
        return request.Headers.Accept.ToString().Contains(ConfigurationProfile.ContentType, StringComparison.OrdinalIgnoreCase) ? Answer.Plain : Answer.Page;
    }

    [LoggerMessage(3330, LogLevel.Information, "Enrolment profile {Uuid} given by invitation number {Invitation}.")]
    private partial void LogGiven(long invitation, Guid uuid);

    [LoggerMessage(3331, LogLevel.Information, "An iPad is asked who it is, by profile {Uuid} of invitation number {Invitation}.")]
    private partial void LogAsked(long invitation, Guid uuid);
}
