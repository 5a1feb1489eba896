using FleetMdm.Api.Access;
using FleetMdm.Api.ActivationLock;
using FleetMdm.Api.Apps;
using FleetMdm.Api.AppsAndBooks;
using FleetMdm.Api.Assignments;
using FleetMdm.Api.Attestation;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Authorities;
using FleetMdm.Api.Automated;
using FleetMdm.Api.Campaigns;
using FleetMdm.Api.Catalogue;
using FleetMdm.Api.Classroom;
using FleetMdm.Api.Commands;
using FleetMdm.Api.Console;
using FleetMdm.Api.Declarations;
using FleetMdm.Api.DeviceImports;
using FleetMdm.Api.Devices;
using FleetMdm.Api.EnrolmentImports;
using FleetMdm.Api.Exams;
using FleetMdm.Api.Exports;
using FleetMdm.Api.Groups;
using FleetMdm.Api.Holdings;
using FleetMdm.Api.Hosting;
using FleetMdm.Api.Imports;
using FleetMdm.Api.Incidents;
using FleetMdm.Api.Inventory;
using FleetMdm.Api.Invitations;
using FleetMdm.Api.Limits;
using FleetMdm.Api.LostMode;
using FleetMdm.Api.Observability;
using FleetMdm.Api.Operations;
using FleetMdm.Api.People;
using FleetMdm.Api.Placeholders;
using FleetMdm.Api.Profiles;
using FleetMdm.Api.PushCertificates;
using FleetMdm.Api.Reenrolment;
using FleetMdm.Api.Renewals;
using FleetMdm.Api.Rest;
using FleetMdm.Api.Returns;
using FleetMdm.Api.Schools;
using FleetMdm.Api.SelfService;
using FleetMdm.Api.SetUp;
using FleetMdm.Api.SharedIPads;
using FleetMdm.Api.Teaching;
using FleetMdm.Api.Webhooks;

namespace FleetMdm.Api;

// A request of the admin side, in this order:
//
//   1. admission       as many at a time as this node takes of that kind (Api/Limits); else 503
//   2. headers         what every answer of the admin side carries (Api/Rest/AdminHeaders); what is the same for everybody travels compressed
//   3. errors          whatever is thrown below becomes problem details
//   4. authorization   token or session, the right that the endpoint names; else 401 or 403 (Api/Access)
//      schools         what the address names must exist for the rights of the one who asks (Api/Access/ScopeGuard); else 404
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
        builder.AddObservability();
        services.AddRest();
        services.AddConsole();
        services.AddSetUp();
        services.AddAccess(builder.Configuration);
        services.AddAudit();
        services.AddDevices();
        services.AddCatalogue();
        services.AddCommands();
        services.AddInventory();
        services.AddLostMode(builder.Configuration);
        services.AddSharedIPads();
        services.AddActivationLock();
        services.AddHostedApps(builder.Configuration);
        services.AddOperations();
        services.AddInvitations();
        services.AddReenrolment();
        services.AddPushCertificates();
        services.AddRenewals();
        services.AddAttestation();
        services.AddAuthorities();
        services.AddPlaceholders();
        services.AddAutomated();
        services.AddAppsAndBooks();
        services.AddProfiles(builder.Configuration);
        services.AddGroups();
        services.AddWebhooks();
        services.AddAssignments();
        services.AddDeclarations();
        services.AddExams();
        services.AddCampaigns();
        services.AddReturns();
        services.AddSchools();
        services.AddClassroom();
        services.AddPeople();
        services.AddHoldings();
        services.AddIncidents();
        services.AddSelfService(builder.Configuration);
        services.AddTeaching(builder.Configuration);
        services.AddDeviceImports();
        services.AddEnrolmentImports();
        services.AddExports();
        services.AddImports();
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
            admin.UseCompression();
            admin.UseExceptionHandler(_ => { });
            admin.UseStatusCodePages(EmptyErrors.Fill);

            // 4
            admin.UseAuthentication();
            admin.UseAuthorization();
            admin.UseMiddleware<DeviceIds>();
            admin.UseMiddleware<ScopeGuard.Middleware>();
        });

        app.MapHealth();

        var admin = app.MapGroup("");
        admin.MapMetrics();

        var served = admin.MapGroup("").RequireAdminAdmission();
        served.MapDashboard();

        // 5
        var api = served.MapGroup("/api/v1").RequireAuthorization(FleetPolicies.ByRight);
        api.AddEndpointFilter((invocation, next) => QueryNames.Check(invocation, next));
        var pages = served.MapGroup("").ExcludeFromDescription().WithMetadata(ContentPolicy.Page)
            .RequireAuthorization(FleetPolicies.ByRight);

        // 6, 7: the rooms
        var routes = new AdminRoutes(api, pages, served);
        routes.MapRest();
        routes.MapConsole();
        routes.MapAccess();
        routes.MapAudit();
        routes.MapStatus();
        routes.MapSetUp();
        routes.MapInvitations();
        routes.MapDevices();
        routes.MapReenrolment();
        routes.MapCatalogue();
        routes.MapRenewals();
        routes.MapAttestation();
        routes.MapAuthorities();
        routes.MapPlaceholders();
        routes.MapAutomated();
        routes.MapAppsAndBooks();
        routes.MapProfiles();
        routes.MapGroups();
        routes.MapWebhooks();
        routes.MapAssignments();
        routes.MapDeclarations();
        routes.MapExams();
        routes.MapCampaigns();
        routes.MapReturns();
        routes.MapSchools();
        routes.MapClassroom();
        routes.MapPeople();
        routes.MapHoldings();
        routes.MapIncidents();
        routes.MapSelfService();
        routes.MapTeaching();
        routes.MapDeviceImports();
        routes.MapEnrolmentImports();
        routes.MapExports();
        routes.MapImports();
        routes.MapCommands();
        routes.MapInventory();
        routes.MapLostMode();
        routes.MapSharedIPads();
        routes.MapActivationLock();
        routes.MapHostedApps();
        routes.MapOperations();
        routes.MapPushCertificates();
        return admin;
    }
}
