"""What generated questions are about: sixty topics, each with words of its own.

Only vocabulary belongs here, written for this project; how a text is made of it is in `texts`.
A block is one topic: its tag and its group, then what there is (`=`), what one wants to do (`>`)
and what goes wrong (`!`). The commonest topics stand first.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Topic:
    """One tag and its words: noun phrases, infinitives without "to", and clauses."""

    tag: str
    group: str
    things: tuple[str, ...]
    doing: tuple[str, ...]
    trouble: tuple[str, ...]


def read_topics(text: str) -> tuple[Topic, ...]:
    """The topics of a text in the form that the module's docstring tells."""
    blocks: list[dict[str, list[str]]] = []
    for line in text.strip().splitlines():
        mark, _, rest = line.partition(" ")
        if mark in ("=", ">", "!"):
            blocks[-1][mark] += [item.strip() for item in rest.split(";")]
        else:
            tag, _, group = line.rpartition(" @")
            blocks.append({"#": [tag, group], "=": [], ">": [], "!": []})
    return tuple(
        Topic(*block["#"], tuple(block["="]), tuple(block[">"]), tuple(block["!"]))
        for block in blocks
    )


QUESTION_TOPICS = read_topics(
    """
machine-learning @learning
= training set; supervised model; decision boundary; learning curve; feature vector; held-out set
> train a model on my own data; choose an algorithm for a small data set; label more examples
! the model predicts the same class for everything; more data does not help at all
python @code
= list comprehension; virtual environment; traceback; generator; numpy array; decorator; pip package
> vectorise a slow loop; read a large file line by line; profile a script; package my code
! the script dies with a TypeError; the import works in the shell and fails in the notebook
ros @systems
= launch file; topic; publisher; subscriber; rosbag; tf tree; catkin workspace; message type
> publish a custom message; record a bag file; remap a topic; write a launch file for two nodes
! the node never receives a callback; tf complains that the frame does not exist
deep-learning @learning
= convolutional layer; batch normalisation; dropout; GPU memory; pretrained backbone; epoch
> fine-tune a pretrained network; stack more layers; train on several GPUs
! the loss becomes NaN after a few epochs; the GPU runs out of memory
arduino @systems
= sketch; digital pin; Serial.print; Uno board; shield; analogRead; bootloader; PWM pin
> read a sensor in the main loop; upload a sketch; avoid delay() in the loop
! the board resets whenever the motor starts; the serial monitor shows garbage
control @motion
= transfer function; closed loop; state feedback; pole placement; step response; Lyapunov function
> stabilise an unstable plant; design an observer; discretise a controller; linearise the system
! the closed loop is unstable above a certain gain; the steady-state error never vanishes
classification @learning
= confusion matrix; decision threshold; multiclass target; precision and recall; softmax; logits
> predict one of many categories; choose a threshold; interpret the confusion matrix
! the minority category is never predicted; accuracy is high and recall is terrible
slam @perception
= loop closure; pose graph; occupancy grid; landmark; keyframe; scan matching; bundle adjustment
> build a map while driving; close the loop in a long corridor; merge two maps
! the map is bent after the robot turns; loop closure snaps to the wrong place
pandas @code
= DataFrame; groupby; merge; index; pivot table; column dtype; read_csv; multi-index; apply
> join two tables on a key; group rows by month; reshape from wide to long; fill down a column
! the merge duplicates rows; SettingWithCopyWarning appears although I use loc
quadcopter @motion
= propeller; flight controller; yaw; hover; thrust; frame arms; altitude hold; throttle stick
> hold altitude indoors; land without GPS; choose propellers for a heavier frame
! it drifts to the left while hovering; it flips over on take-off
neural-networks @learning
= hidden layer; activation function; weights; backpropagation; perceptron; bias term; XOR gate
> choose the number of neurons; initialise the weights; derive backpropagation by hand
! the gradients vanish in the first layers; the network cannot even learn XOR
kalman-filter @perception
= process noise; covariance matrix; measurement update; innovation; state vector; prediction step
> tune Q and R; linearise the measurement model; handle measurements that come late
! the covariance collapses to zero; the estimate lags behind the true state
pid @motion
= integral windup; derivative kick; proportional gain; set point; Ziegler-Nichols; overshoot
> tune the three gains; limit the integral term; filter the derivative term
! the output oscillates around the set point; it overshoots and takes ages to settle
nlp @learning
= tokenizer; corpus; stop words; named entity; sentence; part of speech; stemming; bag of words
> classify short documents; extract names from text; clean up tweets; compare two sentences
! negation is ignored completely; rare words dominate every document vector
computer-vision @perception
= camera image; edge detection; bounding box; optical flow; segmentation mask; feature matching
> detect objects in a video; track a coloured ball; estimate depth from one image
! shadows are detected as objects; it only works under bright light
scikit-learn @code
= pipeline; GridSearchCV; fit_transform; estimator; ColumnTransformer; StandardScaler; predict_proba
> write a custom transformer; put scaling inside the pipeline; save a fitted estimator
! transform expects another number of columns; the grid search never finishes
motor @motion
= stall torque; gearbox; H-bridge; winding; back EMF; encoder disc; rated speed; motor driver
> choose a gear ratio; drive two of them from one bridge; measure torque; reverse the direction
! it hums and does not turn; the driver gets too hot to touch
raspberry-pi @systems
= GPIO header; SD card; camera module; Raspbian; SSH session; HDMI; device tree; headless boot
> boot without a screen; stream video from the camera module; start a script at boot
! the SD card gets corrupted when power is cut; it throttles because of undervoltage
time-series @learning
= seasonality; lag; autocorrelation; ARIMA; forecast horizon; trend; stationarity; rolling window
> forecast next month; remove the seasonal part; split by date; resample to hours
! the forecast is just the last value shifted; the residuals are autocorrelated
robotic-arm @motion
= end effector; wrist; joint limit; payload; elbow; six degrees of freedom; shoulder; tool centre
> pick up a cup from a table; reach a pose without hitting the base; add a seventh joint
! the wrist flips suddenly; the arm sags under its own weight
localization @perception
= particle filter; Monte Carlo; pose estimate; kidnapped robot; beacon; landmark; known map
> find the position on a known map; recover from a wrong pose; fuse beacons with wheel data
! the particles converge to the wrong room; it loses its position in a symmetrical hallway
pytorch @code
= tensor; autograd; DataLoader; optimizer.step; nn.Module; state_dict; CUDA device; collate function
> write a custom loss; freeze some layers; load a checkpoint on a CPU; batch ragged tensors
! it says that one of the variables was modified in place; the DataLoader hangs with workers
imu @perception
= gyroscope; accelerometer; magnetometer; roll and pitch; gyro bias; quaternion; MPU-6050
> get a stable heading; remove gravity from acceleration; integrate to a velocity
! the yaw drifts a degree a second; roll and pitch are swapped after mounting
regression @learning
= residual; coefficient; R squared; ordinary least squares; outlier; polynomial term; intercept
> predict the price of a house; interpret a coefficient; transform a skewed target
! the residuals fan out; a coefficient has the wrong sign
reinforcement-learning @learning
= reward; policy; Q-table; episode; exploration; replay buffer; discount factor; actor and critic
> shape the reward; explore less over time; train an agent to balance a pole
! the agent learns to stand still; the return collapses after a million steps
inverse-kinematics @motion
= Jacobian; singularity; joint angle; closed-form solution; damped least squares; redundancy
> solve for the joint angles; avoid a singularity; choose between elbow up and elbow down
! the solver jumps between two solutions; there is no solution near the edge of the workspace
gazebo @systems
= SDF model; physics engine; world file; URDF; contact friction; plugin; simulated laser
> spawn a model; simulate a laser; attach a plugin to a joint; tune friction
! the model explodes on spawn; wheels slip as if on ice
clustering @learning
= centroid; k-means; dendrogram; silhouette; DBSCAN; number of groups; linkage; density
> choose k; group customers without labels; cluster mixed categories; compare two groupings
! everything ends in one big group; the result changes with each run
sensor-fusion @perception
= complementary filter; timestamps; redundant sensors; outlier rejection; weighting; delay
> combine wheel encoders with a camera; align sensors of different rates; reject bad readings
! two sensors disagree by a metre; the fused value is worse than either one
lidar @perception
= scan; range; laser beam; rotating mirror; reflectivity; angular resolution; point return
> detect the floor in a scan; filter reflections of glass; choose between two scanners
! black surfaces return nothing; sunlight adds ghost points
visualization @code
= histogram; scatter plot; colour map; axis label; heat map; legend; matplotlib figure; box plot
> plot a million points; show a distribution over time; share an axis between two plots
! the legend covers the lines; overplotting hides everything
motion-planning @motion
= RRT; configuration space; obstacle; A*; path cost; roadmap; sampling; collision check
> plan around moving obstacles; smooth a jagged path; search in six dimensions
! it finds no way through a narrow gap; the path touches the obstacles
statistics @learning
= p-value; confidence interval; hypothesis test; variance; sample size; median; normal distribution
> compare two means; test whether a coin is fair; estimate the sample size
! the test is significant for a tiny effect; the sample is far from normal
stepper-motor @motion
= microstep; step pulse; holding torque; A4988; full step; coil; steps per revolution
> run it quieter; home against an end stop; ramp up the step rate
! it loses steps at high speed; it vibrates at one particular speed
wheeled-robot @motion
= differential drive; castor; wheel base; turning radius; skid steering; chassis; omni wheel
> drive in a straight line; follow a wall; compute wheel speeds from a turn
! it veers to the right; it gets stuck on a carpet
overfitting @learning
= regularisation; early stopping; training loss; validation loss; weight decay; generalisation
> stop before it memorises; add noise on purpose; choose the penalty
! the training score is perfect and the test score is poor; validation loss rises from epoch two
feature-selection @learning
= mutual information; redundant column; recursive elimination; correlation; lasso; importance
> drop useless columns; rank the predictors; choose among ten thousand columns
! two correlated columns share the importance; a random column ranks first
servo @motion
= horn; pulse width; dead band; hobby servo; torque rating; sweep; position feedback; jitter
> sweep slowly; drive sixteen of them; read the actual position
! it jitters at rest; it hits its end stop and buzzes
batteries @systems
= LiPo; cell voltage; discharge rate; charger; mAh; voltage sag; balance lead; nickel cell
> estimate the running time; charge two packs; cut off at low voltage
! the pack swells; voltage drops under load and everything restarts
ros2 @systems
= DDS; quality of service; colcon; lifecycle node; executor; rclpy; composition; Python launch
> migrate a package; set a quality of service; run two executors; compose nodes
! discovery fails between two machines; messages are dropped although the queue is long
opencv @perception
= cv2.imshow; contour; threshold; Hough transform; video capture; blur kernel; BGR channels
> find the contours of a shape; read frames from a webcam; detect circles
! imread returns None; the colours look swapped
class-imbalance @learning
= minority class; SMOTE; class weight; undersampling; rare event; oversampling; fraud case
> oversample the rare class; weigh the loss; evaluate with one positive in a thousand
! always answering no gives 99 percent; synthetic samples leak into the test set
transformers @learning
= attention head; BERT; positional encoding; encoder layer; prompt; sequence length; GPT
> fine-tune BERT on long documents; mask the padding; shorten attention for long inputs
! texts longer than 512 are cut; attention weights are all equal
odometry @perception
= wheel encoder; tick count; dead reckoning; wheel slip; heading error; travelled distance
> compute the pose from ticks; calibrate the wheel diameter; reset the counter
! a square does not close; the error grows with each turn
cross-validation @learning
= fold; leave-one-out; nested loop; stratified split; held-out fold; group split; repeated split
> split by patient; nest the hyperparameter search; repeat the folds
! the folds have very different scores; the score is better than on new data
random-forest @learning
= tree depth; bagging; out-of-bag error; split criterion; Gini; number of trees; leaf size
> limit the depth; read the importance of a variable; explain one decision path
! the file of the model has two gigabytes; it cannot extrapolate beyond the data
stereo-vision @perception
= disparity; baseline; rectification; epipolar line; left and right camera; block matching
> compute depth from two cameras; rectify an image pair; choose the baseline
! the disparity map is full of holes; depth is wrong on flat walls
missing-data @learning
= imputation; NaN; mean filling; missing at random; indicator column; incomplete row
> fill the gaps; drop rows with holes; impute inside the folds
! half of a column is empty; filling with the mean shrinks the spread
recommender-system @learning
= user item matrix; collaborative filtering; cold start; rating; implicit feedback; latent factor
> suggest films to new users; factorise a sparse matrix; rank by clicks
! popular items are suggested to everybody; new users get nothing
calibration @perception
= checkerboard; focal length; distortion coefficient; extrinsics; reprojection error; hand-eye
> calibrate a camera with a checkerboard; find the pose of the camera on the gripper
! the reprojection error is five pixels; the corners of the image stay curved
gradient-boosting @learning
= XGBoost; LightGBM; boosting round; shrinkage; leaf weight; weak learner; learning rate
> choose the number of rounds; handle categories in LightGBM; stop early
! more rounds make it worse; results differ between versions of XGBoost
word-embeddings @learning
= word2vec; GloVe; cosine similarity; analogy; skip-gram; out-of-vocabulary word; vector space
> average the vectors of a sentence; find similar words; train vectors on a small corpus
! antonyms are close together; unknown words have no vector
point-cloud @perception
= voxel grid; PCL; normal estimation; ICP; plane fitting; cloud registration; k-d tree
> register two clouds; remove the table plane; downsample a dense cloud
! ICP slides along the wall; normals point in random directions
i2c @systems
= pull-up resistor; slave address; SDA line; clock stretching; bus scan; register; logic level
> connect two devices with one address; read a register; extend the bus by a metre
! the bus scan finds nothing; the bus hangs until a power cycle
gripper @motion
= finger; suction cup; grasp; contact force; parallel jaw; soft finger; vacuum pump
> hold an egg without breaking it; detect a failed grasp; choose between suction and jaws
! round objects slip out; it squeezes too hard
anomaly-detection @learning
= isolation forest; one-class; reconstruction error; false alarm; outlier score; normal behaviour
> find broken machines without labels; set an alarm level; score new points
! every weekend raises an alarm; real faults look quite normal
dimensionality-reduction @learning
= PCA; t-SNE; principal component; explained variance; UMAP; eigenvector; manifold; projection
> plot a hundred columns in two; choose the number of components; project new points
! t-SNE shows clusters that are not there; the first component is just the scale
gps @perception
= satellite; RTK; NMEA sentence; latitude; fix; antenna; base station; dilution of precision
> get centimetre accuracy; convert latitude to metres; parse a sentence
! the position jumps by ten metres near buildings; it takes minutes to get a fix
legged-robot @motion
= gait; hexapod; stance phase; zero moment point; ankle; foot contact; biped; swing leg
> walk over rough ground; generate a gait; keep balance when pushed
! it falls over when it turns; the feet slip on tiles
can-bus @systems
= frame identifier; termination resistor; arbitration; baud rate; transceiver; node address
> connect motor controllers to one bus; decode frames; add a node
! frames get lost at high load; error frames appear when the third node joins
"""
)
