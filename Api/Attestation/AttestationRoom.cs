namespace FleetMdm.Api.Attestation;

/// <summary>Attested identities: Apple vouches for an iPad and for its key.</summary>
/// <remarks>Owns <c>/api/v1/devices/{id}/attestation</c> and a card on the iPad's page, and on the iPads' side <c>/acme</c> (<see cref="AcmeEndpoint"/>, mapped with the other addresses of
/// enrolment). The tables are <c>attested_orders</c>, <c>identity_attestations</c>, <c>attestation_tries</c> and <c>attestation_questions</c>. Which way an iPad gets its identity is decided by
/// <see cref="AttestationPolicy"/>; who it then is, by the iPad's grain as for each certificate.</remarks>
internal static class AttestationRoom
{
    public static void AddAttestation(this IServiceCollection services) => services.AddSingleton<AttestationService>();

    public static void MapAttestation(this AdminRoutes routes)
    {
        AttestationEndpoints.MapRest(routes.Api);
        AttestationPages.MapPages(routes.Pages);
    }
}
