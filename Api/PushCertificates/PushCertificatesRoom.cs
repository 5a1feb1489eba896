using FleetMdm.Api.Audit;
using FleetMdm.Storage.Audit;

namespace FleetMdm.Api.PushCertificates;

/// <summary>The certificate by which this server may push.</summary>
/// <remarks>Owns <c>/api/v1/push-certificate</c> and the form of the overview. The certificate is the push certificate grain's.</remarks>
internal static class PushCertificatesRoom
{
    public static void MapPushCertificates(this AdminRoutes routes)
    {
        PushCertificateEndpoints.MapRest(routes.Api);
        routes.Pages.MapPost("/push-certificate", PushCertificateForm.Install)
            .Audit(AuditVerbs.PushCertificateInstall, AuditTargets.PushCertificate);
    }
}
