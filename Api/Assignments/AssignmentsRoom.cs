using FleetMdm.Api.Access;
using FleetMdm.Api.Console;
using FleetMdm.Api.Devices;
using FleetMdm.Api.SetUp;

namespace FleetMdm.Api.Assignments;

/// <summary>What iPads should have: profiles, apps and settings, for the iPads that a target finds.</summary>
/// <remarks>Owns <c>/api/v1/assignments</c>, <c>/assignments</c>, the tab <c>/ipads/{id}/assigned</c>, and the tables <c>assignments</c>, <c>assignment_devices</c> and
/// <c>assignment_plan</c>. Who sees iPads sees assignments; <see cref="Rights.AssignmentChange"/> changes them, together with the right of the command that brings what is assigned. The
/// work is done by each iPad's grain.</remarks>
internal static class AssignmentsRoom
{
    private const int Tab = 3;

    public static void AddAssignments(this IServiceCollection services)
    {
        services.AddSingleton<AssignmentService>();
        services.AddSingleton<RollOutService>();
        services.AddSingleton<AssignedThings>();
        services.AddSingleton<IAttention, AssignmentAttention>();
        services.AddSingleton<ISetUp, AssignmentSetUp>();
        services.AddSingleton<AssignmentChoices>();
        services.AddSingleton(new ConsoleEntry(24, "/assignments", "Assignments", "M5 4h10v13H5ZM8 4V2h4v2M7.5 10.5l2 2 3.5-4", 'm'));
        services.AddSingleton(new DeviceTab(Tab, AssignmentPages.Name, "Assigned") { Fits = device => device.Kind == "Device" });
    }

    public static void MapAssignments(this AdminRoutes routes)
    {
        AssignmentEndpoints.MapRest(routes.Api);
        AssignmentPages.MapPages(routes.Pages);
    }
}
