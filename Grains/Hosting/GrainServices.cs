using FleetMdm.Grains.AppsAndBooks;
using FleetMdm.Grains.Assignments;
using FleetMdm.Grains.Automated;
using FleetMdm.Grains.Classroom;
using FleetMdm.Grains.Devices;
using FleetMdm.Grains.Exams;
using FleetMdm.Grains.Identity;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Grains.Nodes;
using FleetMdm.Grains.Operations;
using FleetMdm.Grains.Push;
using FleetMdm.Grains.Renewals;
using FleetMdm.Grains.Sweeps;
using FleetMdm.Grains.Webhooks;
using FleetMdm.Storage.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace FleetMdm.Grains.Hosting;

/// <summary>Registration of all grains and what they stand on, for a process that has the silo in it. The store
/// (<c>AddFleetStorage</c>) and the storage provider <see cref="ControlStorage"/> are the host's to add.</summary>
public static class GrainServices
{
    /// <summary>Orleans' name for the storage of the few grains whose state it keeps.</summary>
    public const string ControlStorage = "control";

    public static ISiloBuilder AddFleetGrains(this ISiloBuilder silo, IConfiguration configuration)
    {
        silo.AddPlacementDirector<NodePlacement, NodePlacementDirector>();

        var services = silo.Services;
        services.AddExceptionsBetweenNodes();
        services.AddFleetOptions<QueueOptions>(configuration, QueueOptions.Section, options => options.FindFault());
        services.AddFleetOptions<EnrolmentOptions>(configuration, EnrolmentOptions.Section, options => options.FindFault());
        services.AddFleetOptions<InventoryOptions>(configuration, InventoryOptions.Section, options => options.FindFault());
        services.AddSingleton<OperationPacer>();
        services.AddSingleton<NodeLease>();
        services.AddSingleton<QueueEpoch>();
        services.AddSingleton<QueueAnnouncer>();
        services.AddAssignments();
        services.AddClassroom();
        services.AddExams();
        services.AddSingleton<SeenBuffer>();
        services.AddSingleton<IdleDevices>();
        services.AddSingleton<IIdleDevices>(provider => provider.GetRequiredService<IdleDevices>());
        services.AddHostedService(provider => provider.GetRequiredService<SeenBuffer>());
        services.AddPush(configuration);
        services.AddSweeps(configuration);
        services.AddRenewals(configuration);
        services.AddWebhooks();
        services.AddAutomated(configuration);
        services.AddAppsAndBooks(configuration);
        services.AddCertificateAuthority(configuration);
        return silo;
    }
}
