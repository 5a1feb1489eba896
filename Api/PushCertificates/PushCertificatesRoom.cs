namespace FleetMdm.Api.PushCertificates;

/// <summary>The certificate by which this server may push.</summary>
/// <remarks>Owns <c>/api/v1/push-certificate</c> and <c>/push-certificate</c>. The certificate is the push certificate grain's.</remarks>
internal static class PushCertificatesRoom
{
    public static void MapPushCertificates(this AdminRoutes routes)
    {
        PushCertificateEndpoints.MapRest(routes.Api);
        PushCertificatePages.MapPages(routes.Pages);
    }
}
