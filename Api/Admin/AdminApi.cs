using FleetMdm.Api.Auth;
using FleetMdm.Api.Console;
using FleetMdm.Api.Hosting;
using FleetMdm.Api.Limits;
using FleetMdm.Api.Observability;
using Microsoft.AspNetCore.Diagnostics;

namespace FleetMdm.Api.Admin;

// A request of the admin side, in this order:
//
//   1. admission       as many at a time as this node takes of that kind (Api/Limits); else 503
//   2. headers         what every answer of the admin side carries (Api/Admin/AdminHeaders)
//   3. errors          whatever is thrown below becomes problem details
//   4. authorization   token or session, role by method; else 401 or 403 (Api/Auth)
//   5. query           parameters that the endpoint does not know: 400
//   6. idempotency     a POST with an Idempotency-Key is done once
//   7. endpoint        body within bounds, strict JSON, checks that name the field, then grain or store
//
// The paths of iPads share only 1: nothing of the admin side can answer them.

/// <summary>The admin side: REST, console, documentation, dashboard, metrics.</summary>
public static class AdminApi
{
    public static IHostApplicationBuilder AddAdminApi(this IHostApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddFleetLimits(builder.Configuration);
        services.AddFleetAuth();
        services.AddConsole();
        services.AddOpenApiDocument();
        builder.AddObservability();

        services.AddProblemDetails();
        services.AddSingleton<FleetExceptionHandler>();
        services.AddSingleton<IExceptionHandler>(provider => provider.GetRequiredService<FleetExceptionHandler>());
        services.ConfigureHttpJsonOptions(options =>
        {
            options.SerializerOptions.NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.Strict;
            options.SerializerOptions.TypeInfoResolverChain.Insert(0, AdminJson.Default);
        });

        services.AddSingleton<RequestIds>();
        services.AddSingleton<IdempotencyFilter>();
        services.AddSingleton<InvitationService>();
        services.AddSingleton<DeviceLookup>();
        services.AddSingleton<CommandLog>();
        services.AddSingleton<OperationWatch>();
        services.AddSingleton<FleetStatus>();
        return builder;
    }

    /// <summary>Maps the admin side, and puts its middleware before the endpoints.</summary>
    /// <returns>All its endpoints but the health checks, to be bound to the administrators' listener.</returns>
    public static IEndpointConventionBuilder MapAdminApi(this WebApplication app)
    {
        // 1
        app.UseFleetLimits();
        app.LeaveAuthenticationToTheAdminSide();
        app.UseWhen(context => ListenerSides.SideOf(context) != Side.Device, admin =>
        {
            // 2, 3
            admin.UseMiddleware<AdminHeaders>();
            admin.UseExceptionHandler(_ => { });
            admin.UseStatusCodePages(EmptyErrors.Fill);

            // 4
            admin.UseAuthentication();
            admin.UseAuthorization();
        });

        app.MapHealth();

        var admin = app.MapGroup("");
        admin.MapMetrics();

        var served = admin.MapGroup("").RequireAdminAdmission();
        served.MapLogin();
        served.MapConsole();
        served.MapOpenApiDocument();
        served.MapDashboard();

        // 5
        var api = served.MapGroup("/api/v1").RequireAuthorization(FleetPolicies.ReadOrAdminister);
        api.AddEndpointFilter((invocation, next) => QueryNames.Check(invocation, next));

        // 6, 7
        FleetStatus.Map(api);
        api.MapInvitations();
        api.MapDevices();
        api.MapCommands();
        api.MapOperations();
        api.MapPushCertificate();
        api.MapTokens();
        return admin;
    }
}
