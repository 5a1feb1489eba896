using FleetMdm.Api.Attestation;
using FleetMdm.Api.Automated;
using FleetMdm.Api.Limits;

namespace FleetMdm.Api.Enrolment;

/// <summary>The addresses by which iPads enrol. None asks for credentials: an invitation or a challenge is what lets in.</summary>
public static class EnrolmentEndpoints
{
    /// <returns>The group, for what the whole device side has in common (limits, host).</returns>
    public static RouteGroupBuilder MapEnrolment(this IEndpointRouteBuilder endpoints)
    {
        var group = endpoints.MapGroup("");
        group.AddEndpointFilter<RouteGroupBuilder, UnavailableFilter>();
        group.AllowAnonymous();
        group.ExcludeFromDescription();
        group.RequireEnrolmentAdmission();

        string[] getAndPost = [HttpMethods.Get, HttpMethods.Post];
        group.MapMethods("/scep", getAndPost, (HttpContext context, ScepEndpoint scep) => scep.Handle(context)).RequireScepAdmission();
        MapAcme(group);
        group.MapMethods("/enroll/{invitation}", getAndPost,
            (HttpContext context, string invitation, InvitationEndpoint invitations) => invitations.Handle(context, invitation));
        group.MapPost(ProfileServiceEndpoint.PathOf("{invitation}"),
            (HttpContext context, string invitation, ProfileServiceEndpoint service) => service.Handle(context, invitation));
        group.MapPost(AutomatedEnrolmentEndpoint.Path, (HttpContext context, AutomatedEnrolmentEndpoint automated) => automated.Handle(context));
        group.MapMethods("/enroll", getAndPost, TrustEndpoints.NoInvitation);
        group.MapGet(AccountDrivenEnrolment.Path, AccountDrivenEnrolment.Refuse);
        group.MapGet("/MDMServiceConfig", (TrustEndpoints trust) => trust.ServiceConfig());
        group.MapGet(TrustEndpoints.TrustPath, (HttpContext context, TrustEndpoints trust) => trust.TrustProfile(context));
        group.MapGet(TrustEndpoints.AnchorsPath, (TrustEndpoints trust) => trust.Anchors());
        group.MapGet("/ca.pem", (TrustEndpoints trust) => trust.CaPem());
        return group;
    }

    private static void MapAcme(RouteGroupBuilder group)
    {
        group.MapGet(AcmeAnswers.Directory, (AcmeEndpoint acme) => acme.Directory());
        group.MapMethods(AcmeAnswers.NewNonce, [HttpMethods.Get, HttpMethods.Head], (HttpContext context, AcmeEndpoint acme) => acme.NewNonce(context));
        group.MapPost(AcmeAnswers.NewAccount, (HttpContext context, AcmeEndpoint acme) => acme.NewAccount(context)).RequireScepAdmission();
        group.MapPost(AcmeAnswers.NewOrder, (HttpContext context, AcmeEndpoint acme) => acme.NewOrder(context)).RequireScepAdmission();
        group.MapPost(AcmeAnswers.Order + "{id}", (HttpContext context, string id, AcmeEndpoint acme) => acme.Order(context, id)).RequireScepAdmission();
        group.MapPost(AcmeAnswers.Authorization + "{id}", (HttpContext context, string id, AcmeEndpoint acme) => acme.Authorization(context, id)).RequireScepAdmission();
        group.MapPost(AcmeAnswers.Challenge + "{id}", (HttpContext context, string id, AcmeEndpoint acme) => acme.Challenge(context, id)).RequireScepAdmission();
        group.MapPost(AcmeAnswers.Finalize + "{id}", (HttpContext context, string id, AcmeEndpoint acme) => acme.Finalize(context, id)).RequireScepAdmission();
        group.MapPost(AcmeAnswers.Certificate + "{id}", (HttpContext context, string id, AcmeEndpoint acme) => acme.Certificate(context, id)).RequireScepAdmission();
    }
}
