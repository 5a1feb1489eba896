using FleetMdm.Api.Access;
using FleetMdm.Api.Console;
using FleetMdm.Api.SetUp;

namespace FleetMdm.Api.PushCertificates;

/// <summary>The certificate by which this server may push.</summary>
/// <remarks>Owns <c>/api/v1/push-certificate</c> and <c>/push-certificate</c>. The certificate is the push certificate grain's.</remarks>
internal static class PushCertificatesRoom
{
    public static void AddPushCertificates(this IServiceCollection services)
    {
        services.AddSingleton<IAttention, PushCertificateAttention>();
        services.AddSingleton<ISetUp, PushCertificateSetUp>();
        services.AddSingleton(new ConsoleEntry(40, "/push-certificate", "Push certificate", "M6 13V9a4 4 0 0 1 8 0v4l1.5 2h-11ZM9 17h2", 's', Rights.CertificateRead));
    }

    public static void MapPushCertificates(this AdminRoutes routes)
    {
        PushCertificateEndpoints.MapRest(routes.Api);
        PushCertificatePages.MapPages(routes.Pages);
    }
}
