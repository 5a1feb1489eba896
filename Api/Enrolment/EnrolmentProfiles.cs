using FleetMdm.Api.Attestation;
using FleetMdm.Api.Hosting;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Protocol.Identity;
using FleetMdm.Protocol.Profiles;
using FleetMdm.Storage.Enrolment;
using FleetMdm.Storage.Returns;
using Microsoft.Extensions.Options;

namespace FleetMdm.Api.Enrolment;

/// <summary>What an open invitation can be answered with.</summary>
/// <param name="Invitation">It is open.</param>
/// <param name="Topic">Of the push certificate.</param>
/// <param name="Authority">As it is now.</param>
public sealed record OpenInvitation(Invitation Invitation, string Topic, AuthoritySnapshot Authority);

/// <param name="Status">Of the answer.</param>
/// <param name="Result">For the metric.</param>
/// <param name="Title">What is wrong.</param>
/// <param name="Advice">What to do.</param>
public sealed record ClosedInvitation(int Status, string Result, string Title, string Advice);

/// <summary>Opens invitations and makes their profiles: each with a challenge of its own.</summary>
public sealed class EnrolmentProfiles(
    EnrolmentAuthority authority,
    IEnrolmentStore store,
    IGrainFactory grains,
    IOptions<MdmOptions> mdm,
    IOptions<ScepOptions> scep,
    AttestationPolicy attestation,
    IReturnStore returns,
    TimeProvider time)
{
    /// <summary>The steps of an enrolment over the air follow each other without a person.</summary>
    private static readonly TimeSpan StepLasts = TimeSpan.FromMinutes(10);

    /// <summary>An <see cref="OpenInvitation"/>, or why it is none.</summary>
    public async Task<(OpenInvitation? Open, ClosedInvitation? Closed)> Open(string invitation)
    {
        var found = OneTimeChallenge.IsInvitationId(invitation) ? await store.FindInvitation(invitation) : null;
        if (found is null)
            return Closed(StatusCodes.Status404NotFound, "Unknown", "This invitation does not exist",
                "Check the link, or ask whoever gave it to you for a new one.");
        var state = found.StateAt(time.GetUtcNow());
        if (state != InvitationState.Open)
        {
            var title = state switch
            {
                InvitationState.Revoked => "This invitation was withdrawn",
                InvitationState.Expired => "This invitation has expired",
                _ => "This invitation was used as often as it may be",
            };
            return Closed(StatusCodes.Status410Gone, state.ToString(), title, "Ask whoever gave it to you for a new one.");
        }

        var push = await grains.GetGrain<IPushCertificateGrain>(IPushCertificateGrain.Key).Describe();
        if (push is null)
            return Closed(StatusCodes.Status409Conflict, "NoPushCertificate", "This server is not ready for iPads yet",
                "An administrator has to install the push certificate first. The overview of the console says how.");
        return (new OpenInvitation(found, push.Topic, await authority.Get()), null);
    }

    /// <summary>For an iPad out of the box that has proved who it is.</summary>
    /// <param name="invitation">Of its server of Automated Device Enrolment.</param>
    /// <param name="facts">Which iPad, and what it says of itself.</param>
    /// <returns>Null: there is no push certificate. No profile: <see cref="IdentityDecision.Why"/> this iPad gets none.</returns>
    public async Task<(ConfigurationProfile? Profile, IdentityDecision Identity, AuthoritySnapshot Authority)?> ForAutomated(string invitation, ProvenFacts facts)
    {
        if (await grains.GetGrain<IPushCertificateGrain>(IPushCertificateGrain.Key).Describe() is not { } push) return null;
        var now = time.GetUtcNow();
        var open = new OpenInvitation(new Invitation { Id = invitation, CreatedAt = now, ExpiresAt = ChallengeEnds, CreatedBy = "server" }, push.Topic, await authority.Get());
        // Nobody is there to try again when an attestation fails.
        var identity = attestation.Mode == AttestedIdentity.WhenPossible && await returns.FindAway(facts.Device.Udid) is not null
            ? new IdentityDecision(IdentityWay.Scep, "It comes back by Return to Service, and nobody is there to try again.")
            : await attestation.ForProven(facts);
        return (For(open, facts, identity), identity, open.Authority);
    }

    /// <summary>Without one nobody enrols.</summary>
    public async Task<bool> HasPushCertificate() => await grains.GetGrain<IPushCertificateGrain>(IPushCertificateGrain.Key).Describe() is not null;

    /// <summary>For an iPad that erases itself and enrols again without hands: for it alone, once.</summary>
    /// <param name="ends">Until when: it may be long until it finds its network.</param>
    /// <returns>Null: there is no push certificate.</returns>
    public async Task<(ConfigurationProfile Profile, AuthoritySnapshot Authority)?> ForReturn(string invitation, ProvenDevice device, DateTimeOffset ends)
    {
        if (await grains.GetGrain<IPushCertificateGrain>(IPushCertificateGrain.Key).Describe() is not { } push) return null;
        var open = new OpenInvitation(new Invitation { Id = invitation, CreatedAt = time.GetUtcNow(), ExpiresAt = ends, CreatedBy = "server" }, push.Topic, await authority.Get());
        // Nobody is there to try again: it attests only where it must.
        var way = attestation.ForAnybody().Way;
        return (Build(open, Challenge(open, ends, way == IdentityWay.Acme ? ChallengeKind.Attested : ChallengeKind.Identity, device), way), open.Authority);
    }

    /// <summary>Asks the iPad who it is.</summary>
    public ProfileService Request(OpenInvitation open) => new()
    {
        Organization = open.Authority.Organization,
        Url = new Uri(mdm.Value.PublicUri, ProfileServiceEndpoint.PathOf(open.Invitation.Id)),
        Challenge = Challenge(open, ChallengeEnds, ChallengeKind.Answer),
    };

    /// <summary>The certificate for the next step, for the iPad that has proved who it is.</summary>
    public ConfigurationProfile Step(OpenInvitation open, ProvenDevice device) => EnrolmentProfile.BuildStep(
        open.Authority.Organization, mdm.Value.PublicUri, Challenge(open, time.GetUtcNow() + StepLasts, ChallengeKind.Step, device));

    /// <summary>The enrolment profile for anybody.</summary>
    public ConfigurationProfile Enrolment(OpenInvitation open)
    {
        var way = attestation.ForAnybody().Way;
        return Build(open, Challenge(open, ChallengeEnds, way == IdentityWay.Acme ? ChallengeKind.Attested : ChallengeKind.Identity), way);
    }

    /// <summary>The enrolment profile for the iPad that has proved who it is. Null: it gets none, with the reason.</summary>
    public async Task<(ConfigurationProfile? Profile, IdentityDecision Identity)> Enrolment(OpenInvitation open, ProvenFacts facts)
    {
        var identity = await attestation.ForProven(facts);
        return (For(open, facts, identity), identity);
    }

    /// <summary>One enrolment profile for many iPads, good for as long as the invitation: for a blueprint of Apple Configurator. Each iPad takes a place.</summary>
    public ConfigurationProfile ForMany(OpenInvitation open)
    {
        var way = attestation.ForAnybody().Way;
        return Build(open, Challenge(open, open.Invitation.ExpiresAt, way == IdentityWay.Acme ? ChallengeKind.ManyAttested : ChallengeKind.Many), way);
    }

    private ConfigurationProfile? For(OpenInvitation open, ProvenFacts facts, IdentityDecision identity) => identity.Way == IdentityWay.Refused
        ? null
        : Build(open, Challenge(open, ChallengeEnds, identity.Way == IdentityWay.Acme ? ChallengeKind.Attested : ChallengeKind.Identity, facts.Device), identity.Way);

    private ConfigurationProfile Build(OpenInvitation open, string challenge, IdentityWay way) => EnrolmentProfile.Build(new EnrolmentProfileSettings
    {
        Organization = open.Authority.Organization,
        PublicUrl = mdm.Value.PublicUri,
        Topic = open.Topic,
        Roots = [.. open.Authority.Roots.Select(root => root.Der)],
        Challenge = challenge,
        AcmeDirectory = way == IdentityWay.Acme ? new Uri(mdm.Value.PublicUri, AcmeAnswers.Directory) : null,
        SignMessage = mdm.Value.SignMessage,
        AccessRights = open.Invitation.AccessRights is { } rights ? (MdmAccessRights)rights : MdmAccessRights.All,
    });

    private DateTimeOffset ChallengeEnds => time.GetUtcNow().AddMinutes(scep.Value.ChallengeLifetimeMinutes);

    private string Challenge(OpenInvitation open, DateTimeOffset ends, ChallengeKind kind, ProvenDevice? device = null) =>
        OneTimeChallenge.Create(open.Authority.ChallengeKey, open.Invitation.Id, ends, mdm.Value.PublicUri.Authority, kind, device);

    private static (OpenInvitation?, ClosedInvitation?) Closed(int status, string result, string title, string advice) =>
        (null, new ClosedInvitation(status, result, title, advice));
}
